using ThreeFs.Base;
using ThreeFs.Io.Files;

namespace ThreeFs.Storage.Server.Disks;

/// <summary>
/// Writes one block to a disk and flushes it, again and again, on a thread of its own: a disk that hangs holds up nobody else. What
/// comes of it goes to the disk's <see cref="DiskHealth"/>.
/// </summary>
/// <remarks>A full disk is no failure: the block is taken when the probe is made, and rewritten in place.</remarks>
internal sealed class DiskProbe : IDisposable
{
    private const string FileName = "probe";

    private readonly DataDisk _disk;
    private readonly DiskHealth _health;
    private readonly TimeSpan _interval;
    private readonly Action<TimeSpan> _took;
    private readonly ManualResetEventSlim _stop = new();

    private DiskProbe(DataDisk disk, DiskHealth health, TimeSpan interval, Action<TimeSpan> took)
    {
        _disk = disk;
        _health = health;
        _interval = interval;
        _took = took;
    }

    /// <param name="took">Told how long each probe took.</param>
    public static DiskProbe Start(DataDisk disk, DiskHealth health, TimeSpan interval, Action<TimeSpan> took)
    {
        var probe = new DiskProbe(disk, health, interval, took);
        new Thread(probe.Run) { Name = "disk-probe", IsBackground = true }.Start();
        return probe;
    }

    /// <summary>Does not wait: the thread may be inside a disk that never answers.</summary>
    public void Dispose() => _stop.Set();

    private void Run()
    {
        do
        {
            _health.ProbeStarted();
            var outcome = _disk.CheckIsThere();
            if (outcome.IsOk) outcome = SyncedBlock.Write(Path.Combine(_disk.Path, FileName));
            var took = _health.ProbeEnded(outcome.Code == StatusCode.NoSpace ? Status.Ok : outcome);
            _took(took);
        }
        while (!_stop.Wait(_interval));
    }
}
