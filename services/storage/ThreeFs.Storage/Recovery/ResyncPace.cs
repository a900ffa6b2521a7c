namespace ThreeFs.Storage.Recovery;

/// <summary>
/// What the resyncs of a node may take together, so that bringing replicas back does not push clients aside: a rate
/// that they never
/// exceed, and a narrower path while clients ask. Thread-safe; shared by all targets of a process.
/// </summary>
/// <remarks>
/// The rate is kept by handing out times: each chunk may be sent when those before it, at the rate, would be through.
/// Nobody waits
/// with a chunk's lock in hand, so updates of the chunk are not held up.
/// </remarks>
/// <param name="bytesPerSecond">0: no limit.</param>
public sealed class ResyncPace(long bytesPerSecond, TimeProvider time)
{
    public static readonly ResyncPace Unlimited = new(0, new NoTime());

    /// <summary>So long after a client's request the node counts as busy.</summary>
    private static readonly TimeSpan _busyFor = TimeSpan.FromMilliseconds(50);

    private readonly Lock _lock = new();
    private readonly long _origin = time.GetTimestamp();
    private TimeSpan _free;
    private long _lastAsked;

    /// <summary>A client asks for something. Cheap: called by every read and write.</summary>
    public void ClientAsks() => Volatile.Write(ref _lastAsked, time.GetTimestamp());

    /// <summary>Clients are at work.</summary>
    public bool IsBusy => Volatile.Read(ref _lastAsked) is not 0 and var last && time.GetElapsedTime(last) < _busyFor;

    /// <summary>Takes the next so many bytes; they may be sent after the answered time.</summary>
    public TimeSpan Take(long bytes)
    {
        if (bytesPerSecond == 0) return TimeSpan.Zero;
        lock (_lock)
        {
            var now = time.GetElapsedTime(_origin);
            var at = _free > now ? _free : now;
            _free = at + TimeSpan.FromSeconds((double)bytes / bytesPerSecond);
            return at - now;
        }
    }

    /// <summary>Where nothing is limited nobody looks at the clock.</summary>
    private sealed class NoTime : TimeProvider
    {
        public override long GetTimestamp() => 0;
    }
}
