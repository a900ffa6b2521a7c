namespace ThreeFs.Fuse.Tables;

/// <summary>
/// Threads whose open(2) was answered ESTALE because the inode behind the kernel's remembered name has no name any more. The
/// kernel then walks the path once more, asking for every name, and opens what it finds; a second ESTALE would reach the
/// program. So the second try of a thread is let through: its inode had the name within the call (a file that is replaced
/// all the time), or it was opened without a name (/proc/self/fd).
/// </summary>
/// <remarks>
/// A thread does nothing else between the two tries, so its lookups belong to them. Bounded, by number and time;
/// thread-safe.
/// </remarks>
internal sealed class StaleOpens(TimeProvider time)
{
    private const int MaxRemembered = 1024;
    private static readonly TimeSpan _memory = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly Dictionary<uint, (ulong Node, long At)> _threads = [];
    private volatile int _count;

    /// <summary>An open of the thread was answered ESTALE.</summary>
    public void Refused(uint thread, ulong node)
    {
        lock (_lock)
        {
            if (_threads.Count >= MaxRemembered) DropOld();
            if (_threads.Count >= MaxRemembered) _threads.Clear();
            _threads[thread] = (node, time.GetTimestamp());
            _count = _threads.Count;
        }
    }

    /// <summary>A name was found for the thread.</summary>
    public void LookedUp(uint thread, ulong node)
    {
        if (_count == 0) return;
        lock (_lock)
        {
            if (_threads.TryGetValue(thread, out var refused)) _threads[thread] = refused with { Node = node };
        }
    }

    /// <summary>Whether this open is the thread's second try. It has only one.</summary>
    public bool IsRetry(uint thread, ulong node)
    {
        if (_count == 0) return false;
        lock (_lock)
        {
            if (!_threads.Remove(thread, out var refused)) return false;
            _count = _threads.Count;
            return refused.Node == node && time.GetElapsedTime(refused.At) < _memory;
        }
    }

    private void DropOld()
    {
        foreach (var (thread, refused) in _threads)
        {
            if (time.GetElapsedTime(refused.At) >= _memory) _threads.Remove(thread);
        }
    }
}
