using ThreeFs.Base;
using ThreeFs.Storage.Targets;

namespace ThreeFs.Storage.Server;

/// <summary>Turns what the logic reports into metrics, a changed standing into a heartbeat, and a failed read into a disk's record.</summary>
internal sealed class ServerObserver(Action standingChanged, Action<Replica> readFailed) : IStorageObserver
{
    public void Forwarded(StatusCode code, TimeSpan time) => Metrics.Forwarded(code, time.TotalSeconds);

    public void AskedTail(StatusCode code) => Metrics.AskedTail(code);

    public void Resynced(TargetId target, bool removed, long bytes)
    {
        if (removed)
        {
            Metrics.ResyncRemovals.Inc();
            return;
        }

        Metrics.ResyncChunks.Inc();
        Metrics.ResyncBytes.Inc(bytes);
    }

    public void Repaired(bool succeeded) => Metrics.Repaired(succeeded);

    public void Scrubbed(long bytes) => Metrics.ScrubbedBytes.Inc(bytes);

    public void ReadFailed(Replica replica)
    {
        Metrics.ReadErrors.Inc();
        readFailed(replica);
    }

    public void StandingChanged(Replica replica)
    {
        Metrics.Target(replica);
        standingChanged();
    }
}
