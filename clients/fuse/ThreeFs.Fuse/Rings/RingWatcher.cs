namespace ThreeFs.Fuse.Rings;

/// <summary>
/// Serves the rings of one priority: a thread that sleeps until an application says that it has submitted something, and then starts the
/// jobs of all rings that have any. Nothing waits on this thread.
/// </summary>
internal sealed class RingWatcher : IDisposable
{
    /// <summary>Rounds without work before it sleeps: an application that submits again at once saves the wake-up.</summary>
    private const int IdleRounds = 64;

    private static readonly TimeSpan _longestSleep = TimeSpan.FromSeconds(1);

    private readonly Thread _thread;
    private readonly Lock _lock = new();
    private volatile Ring[] _rings = [];
    private volatile bool _stops;

    public RingWatcher(SubmitSemaphore semaphore, string name)
    {
        Semaphore = semaphore;
        _thread = new Thread(Run) { Name = $"rings-{name}", IsBackground = true };
        _thread.Start();
    }

    public SubmitSemaphore Semaphore { get; }

    public void Add(Ring ring)
    {
        ring.WatchedBy(this);
        lock (_lock) _rings = [.. _rings, ring];
        Semaphore.Post();
    }

    public void Remove(Ring ring)
    {
        lock (_lock) _rings = [.. _rings.Where(r => r != ring)];
    }

    /// <summary>Ends the thread; jobs under way go on.</summary>
    public void Dispose()
    {
        _stops = true;
        Semaphore.Post();
        _thread.Join();
        Semaphore.Dispose();
    }

    private void Run()
    {
        var idle = 0;
        while (!_stops)
        {
            var sleep = _longestSleep;
            var any = false;
            foreach (var ring in _rings)
            {
                any |= ring.Claim(out var lookAgainIn);
                if (lookAgainIn < sleep) sleep = lookAgainIn.Value;
            }

            idle = any ? 0 : idle + 1;
            if (idle <= IdleRounds)
            {
                Thread.SpinWait(20);
                continue;
            }

            Semaphore.Wait(sleep);
            idle = 0;
        }
    }
}
