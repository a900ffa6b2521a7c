using Microsoft.Extensions.Logging;

namespace ThreeFs.Storage.Server.Disks;

/// <summary>Probes one disk and tells the targets on it when it stops being fit for service, and when it is again.</summary>
internal sealed class DiskWatch : IDisposable
{
    private static readonly TimeSpan _probeInterval = TimeSpan.FromSeconds(1);

    private readonly DataDisk _disk;
    private readonly TargetHost _targets;
    private readonly ILogger _log;
    private readonly DiskProbe _probe;
    private DiskState _state;

    public DiskWatch(DataDisk disk, StorageConfig config, TargetHost targets, TimeProvider time, ILogger log)
    {
        _disk = disk;
        _targets = targets;
        _log = log;
        Health = new DiskHealth(time, config.DiskHungAfter, config.DiskSlowAfter);
        _probe = DiskProbe.Start(disk, Health, _probeInterval, took => Metrics.DiskProbed(disk.Index, took));
    }

    public DiskHealth Health { get; }

    /// <summary>Acts on the verdict of now. Called a few times a second: targets that could not follow the last verdict get it again.</summary>
    public void Judge()
    {
        var verdict = Health.Judge();
        Metrics.DiskFit(_disk.Index, verdict.State == DiskState.Good);
        if (verdict.State != _state)
        {
            _state = verdict.State;
            if (_state == DiskState.Good) Log.DiskFit(_log, _disk.Path);
            else Log.DiskUnfit(_log, _disk.Path, _state.ToString().ToLowerInvariant(), verdict.Reason);
        }

        _targets.DiskJudged(_disk.Index, verdict);
    }

    public void Dispose() => _probe.Dispose();
}
