using ThreeFs.Base;
using ThreeFs.Kv.Lmdb.Native;
using ThreeFs.Kv.Lmdb.Storage;

namespace ThreeFs.Kv.Lmdb.Durability;

/// <summary>
/// The thread that makes steady points: at once for whoever waits (all waiters of that moment share one), in the
/// background after relaxed commits. It also does the periodic chores: follow other processes' steady points, expire
/// old snapshots, clear the slots of dead readers.
/// </summary>
internal sealed class Flusher
{
    private readonly LmdbEnvironment _environment;
    private readonly SteadyPoints _points;
    private readonly SnapshotPool _snapshots;
    private readonly TimeSpan _interval;
    private readonly Thread _thread;
    private readonly object _lock = new();
    private List<IFlushWaiter> _waiters = [];
    private List<IFlushWaiter> _flushing = [];
    private volatile bool _dirty;
    private bool _stopping;

    public Flusher(LmdbEnvironment environment, SteadyPoints points, SnapshotPool snapshots, TimeSpan interval)
    {
        _environment = environment;
        _points = points;
        _snapshots = snapshots;
        _interval = interval;
        _thread = new Thread(Run) { IsBackground = true, Name = "kv-flush" };
        _thread.Start();
    }

    public long Flushes => _points.Flushes;

    /// <summary>A relaxed commit was made; it will be flushed soon.</summary>
    public void MarkDirty() => _dirty = true;

    /// <summary>The next steady point that starts from now on is reported to the waiter.</summary>
    public void Add(IFlushWaiter waiter)
    {
        lock (_lock)
        {
            if (!_stopping)
            {
                _waiters.Add(waiter);
                Monitor.Pulse(_lock);
                return;
            }
        }

        waiter.Flushed(new Status(StatusCode.Cancelled, $"{_environment.Path} is closed"));
    }

    /// <summary>Makes a last steady point and ends the thread.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            _stopping = true;
            Monitor.Pulse(_lock);
        }

        _thread.Join();
    }

    private void Run()
    {
        while (true)
        {
            bool last;
            lock (_lock)
            {
                if (_waiters.Count == 0 && !_stopping) Monitor.Wait(_lock, _interval);
                (_waiters, _flushing) = (_flushing, _waiters);
                last = _stopping;
            }

            if (_flushing.Count > 0 || _dirty) Flush();
            else if (_environment.Failure.IsOk) Chores();
            if (last) return;
        }
    }

    private void Flush()
    {
        // Cleared first: a commit during the flush sets it again.
        _dirty = false;
        var status = _environment.Failure;
        if (status.IsOk)
        {
            status = _points.Advance();

            // Without space for the record the old steady point stands and another attempt may succeed.
            if (status.Code == StatusCode.NoSpace) _dirty = true;
            else if (!status.IsOk) _environment.Fail(status);
        }

        foreach (var waiter in _flushing) waiter.Flushed(status);
        _flushing.Clear();
        _snapshots.ExpireOld();
    }

    private void Chores()
    {
        _snapshots.ExpireOld();
        var status = _points.Follow();
        if (!status.IsOk) _environment.Fail(status);
        Mdb.ReaderCheck(_environment.Handle, out _);
    }
}
