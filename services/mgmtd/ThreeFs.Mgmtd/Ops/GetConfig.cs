using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.State;

namespace ThreeFs.Mgmtd.Ops;

/// <summary>The newest configuration of a kind, or null.</summary>
internal static class GetConfig
{
    public static Result<ConfigInfo?> Of(Term term, NodeKind kind) =>
        Enum.IsDefined(kind)
            ? term.Cluster.Configs.GetValueOrDefault(kind)
            : new Status(StatusCode.InvalidArgument, $"{(byte)kind} is no kind of node");
}
