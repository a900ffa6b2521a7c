using System.Text;
using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Mgmtd.State;

namespace ThreeFs.Mgmtd.Ops;

/// <summary>
/// Notes that a client process lives. Kept in memory only: a new primary learns sessions anew and says so by
/// bootstrapping.
/// </summary>
internal static class ExtendClientSession
{
    public static Status Run(Term term, ClientSession session, DateTimeOffset now)
    {
        if (session.Id.Value == Guid.Empty) return new Status(StatusCode.InvalidArgument, "the client id is empty");
        if (Encoding.UTF8.GetByteCount(session.HostName) > MgmtdLimits.NameBytes
            || Encoding.UTF8.GetByteCount(session.Description) > MgmtdLimits.DescriptionBytes)
        {
            return new Status(StatusCode.InvalidArgument, $"client {session.Id}: host name or description is too long");
        }

        if (term.Sessions.TryGetValue(session.Id, out var old))
        {
            var same =
                old.Session with { LastExtended = session.LastExtended, Description = session.Description } == session;
            if (!same)
            {
                return new Status(
                    StatusCode.InvalidArgument,
                    $"client {session.Id} is another process ({old.Session.HostName}, {old.Session.ProcessId})");
            }
        }
        else if (term.Sessions.Count >= MgmtdLimits.ClientSessions)
        {
            return new Status(
                StatusCode.Overloaded, $"there are {MgmtdLimits.ClientSessions} client sessions, no more fit");
        }

        term.Sessions[session.Id] = new LiveSession(session with { LastExtended = now }, term.Clock.Now);
        return Status.Ok;
    }
}
