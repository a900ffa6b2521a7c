using ThreeFs.Fuse.Protocol;

namespace ThreeFs.Fuse.Session;

/// <summary>
/// Decides when an operation is given up because its caller got a signal. Only a caller that is being killed is let
/// go: any other signal (an alarm, a child's end, a window's resize) would turn into an EINTR that programs do not
/// expect of files. Only a wait for a lock ends with any signal, as programs that set an alarm for it expect.
/// </summary>
/// <remarks>
/// The kernel reports a signal once, whichever came first; a SIGKILL after a harmless one is not reported again.
/// Therefore the caller of an interrupted request is looked at until the request has its reply, and so is that of every
/// FLUSH: a process that was killed closes its files when signals are over, and the kernel says nothing. An interrupt may
/// overtake the registration of its request, because another worker reads it: the last few that found nothing are
/// remembered.
/// </remarks>
internal sealed class InterruptWatch : IDisposable
{
    private const int Remembered = 64;
    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(100);

    /// <summary>An interrupt overtakes its request by less than this.</summary>
    private static readonly TimeSpan _memory = TimeSpan.FromSeconds(1);

    private readonly List<FuseChannel> _channels;
    private readonly Lock _lock = new();
    private readonly HashSet<ulong> _watched = [];
    private readonly Queue<ulong> _early = new();
    private readonly TimeProvider _time;
    private readonly ITimer _timer;
    private long _lastEarly;
    private volatile int _earlyCount;
    private bool _disposed;

    public InterruptWatch(List<FuseChannel> channels, TimeProvider time)
    {
        _channels = channels;
        _time = time;
        _timer = time.CreateTimer(_ => Look(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>The kernel says that the caller of this request got a signal.</summary>
    public void Interrupted(ulong unique)
    {
        if (!IsInFlight(unique))
        {
            lock (_lock)
            {
                if (_early.Count == Remembered) _early.Dequeue();
                _early.Enqueue(unique);
                _earlyCount = _early.Count;
                _lastEarly = _time.GetTimestamp();
            }

            // Registered in between: then nobody else will look into the queue for it.
            if (!IsInFlight(unique)) return;
        }

        if (!LetGoIfKilled(unique)) Watch(unique);
    }

    /// <summary>A request came into flight; its interrupt may have been there first.</summary>
    public void Registered(FuseRequest request)
    {
        if (_earlyCount == 0) return;
        bool early;
        lock (_lock)
        {
            early = _early.Contains(request.Unique);
            if (_time.GetElapsedTime(_lastEarly) > _memory)
            {
                _early.Clear();
                _earlyCount = 0;
            }
        }

        if (early) Watch(request.Unique);
    }

    /// <summary>Looks at the caller until the request has its reply.</summary>
    public void Watch(ulong unique)
    {
        lock (_lock)
        {
            if (_disposed || !_watched.Add(unique)) return;
            if (_watched.Count == 1) _timer.Change(_interval, _interval);
        }
    }

    private void Look()
    {
        ulong[] watched;
        lock (_lock) watched = [.. _watched];
        foreach (var unique in watched)
        {
            if (IsInFlight(unique) && !LetGoIfKilled(unique)) continue;
            lock (_lock) _watched.Remove(unique);
        }

        lock (_lock)
        {
            if (_watched.Count == 0 && !_disposed) _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    private bool LetGoIfKilled(ulong unique)
    {
        foreach (var channel in _channels)
        {
            if (!channel.TryGetHeader(unique, out var header)) continue;
            var yields = header.Opcode == FuseOpcode.SetLockWait;
            if (!yields && !CallerProcess.IsBeingKilled(header.Pid)) return false;
            channel.Interrupt(unique);
            return true;
        }

        return true;
    }

    private bool IsInFlight(ulong unique)
    {
        foreach (var channel in _channels)
        {
            if (channel.TryGetHeader(unique, out _)) return true;
        }

        return false;
    }

    public void Dispose()
    {
        lock (_lock) _disposed = true;
        _timer.Dispose();
    }
}
