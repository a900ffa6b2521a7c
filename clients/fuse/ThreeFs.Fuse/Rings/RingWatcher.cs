using ThreeFs.Io;

namespace ThreeFs.Fuse.Rings;

/// <summary>
/// Serves the rings of one priority: sleeps until an application says that it has submitted something, and then starts the jobs of all
/// rings that have any. Nothing waits here. Best on the reactor whose connections and files the jobs use (<see cref="RingWakeUp"/>): one
/// wake-up then leads from the application to the device. Without one, or where the kernel cannot wait there, on a thread of its own.
/// </summary>
internal sealed class RingWatcher : IDisposable
{
    /// <summary>Whoever writes nonsense into a semaphore delays others' operations no longer than this.</summary>
    public static readonly TimeSpan LongestSleep = TimeSpan.FromSeconds(1);

    private readonly string _name;
    private readonly Lock _lock = new();
    private readonly RingWakeUp? _wakeUp;
    private volatile Ring[] _rings = [];
    private Thread? _thread;
    private volatile bool _stops;

    public RingWatcher(SubmitSemaphore semaphore, string name, Reactor? reactor)
    {
        Semaphore = semaphore;
        _name = name;
        if (reactor is null) StartThread();
        else _wakeUp = new RingWakeUp(reactor, semaphore, Look, StartThread);
    }

    public SubmitSemaphore Semaphore { get; }

    public void Add(Ring ring)
    {
        ring.WatchedBy(Semaphore.Post);
        lock (_lock) _rings = [.. _rings, ring];
        Semaphore.Post();
    }

    public void Remove(Ring ring)
    {
        lock (_lock) _rings = [.. _rings.Where(r => r != ring)];
    }

    /// <summary>Looks at no ring any more; jobs under way go on.</summary>
    public void Dispose()
    {
        _wakeUp?.Stop();
        Thread? thread;
        lock (_lock)
        {
            _stops = true;
            thread = _thread;
        }

        Semaphore.Post();
        thread?.Join();
        Semaphore.Dispose();
    }

    /// <summary>Starts what is there, and answers when to look again at the latest.</summary>
    private TimeSpan Look()
    {
        var sleep = LongestSleep;
        foreach (var ring in _rings)
        {
            ring.Claim(out var lookAgainIn);
            if (lookAgainIn < sleep) sleep = lookAgainIn.Value;
        }

        return sleep;
    }

    private void StartThread()
    {
        lock (_lock)
        {
            if (_stops) return;
            _thread = new Thread(Run) { Name = $"rings-{_name}", IsBackground = true };
            _thread.Start();
        }
    }

    private void Run()
    {
        while (!_stops)
        {
            var sleep = Look();
            if (sleep > TimeSpan.Zero) Semaphore.Wait(sleep);
        }
    }
}
