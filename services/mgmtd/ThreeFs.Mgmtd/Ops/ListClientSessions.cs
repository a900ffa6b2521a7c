using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Mgmtd.State;

namespace ThreeFs.Mgmtd.Ops;

/// <summary>The client processes that live, as far as this term knows.</summary>
internal static class ListClientSessions
{
    public static ClientSessions Of(Term term) =>
        new(term.IsBootstrapping, [.. term.Sessions.Values.Select(s => s.Session).OrderBy(s => s.Id.Value)]);
}
