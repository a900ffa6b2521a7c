using ThreeFs.Mgmtd.State;

namespace ThreeFs.Mgmtd.Background;

/// <summary>Ends client sessions that were not extended in time.</summary>
internal sealed class SessionPruner(MgmtdCore core)
{
    public Task RunAsync(CancellationToken ct) =>
        Every.RunAsync(core.Timing.ClientSession / 10, core.Time, PruneAsync, ct);

    public ValueTask PruneAsync()
    {
        core.Read(term =>
        {
            foreach (var (id, live) in term.Sessions.ToArray())
            {
                if (term.Clock.Now - live.LastExtended <= core.Timing.ClientSession) continue;
                term.Sessions.Remove(id);
                MgmtdLog.SessionOver(core.Log, id, live.Session.HostName);
            }

            return true;
        });
        return ValueTask.CompletedTask;
    }
}
