namespace ThreeFs.Fuse.Tables;

/// <summary>
/// Threads whose open(2) was answered ESTALE because the inode behind the kernel's remembered name has no name any more. The
/// kernel then walks the path once more, asking for every name, and opens what it finds; a second ESTALE would reach the
/// program. So the second try of a thread is let through: its inode had the name within the call (a file that is replaced
/// all the time), or it was opened without a name (/proc/self/fd).
/// </summary>
/// <remarks>
/// A thread does nothing else between the two tries, so its lookups belong to them. Callers of another pid namespace all
/// have the number 0: there every inode that was refused or looked up lately is let through, for as long as a try takes.
/// Bounded, by number and time; thread-safe.
/// </remarks>
internal sealed class StaleOpens(TimeProvider time)
{
    private const int MaxRemembered = 1024;
    private static readonly TimeSpan _memory = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan _memoryOfUnknown = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<uint, (ulong Node, long At)> _threads = [];
    private readonly Dictionary<ulong, long> _ofUnknown = [];
    private volatile int _count;

    /// <summary>An open of the thread was answered ESTALE.</summary>
    public void Refused(uint thread, ulong node)
    {
        lock (_lock)
        {
            if (_count >= MaxRemembered) DropOld();
            if (_count >= MaxRemembered) Clear();
            if (thread == 0) _ofUnknown[node] = time.GetTimestamp();
            else _threads[thread] = (node, time.GetTimestamp());
            Count();
        }
    }

    /// <summary>A name was found for the thread.</summary>
    public void LookedUp(uint thread, ulong node)
    {
        if (_count == 0) return;
        lock (_lock)
        {
            if (_threads.TryGetValue(thread, out var refused)) _threads[thread] = refused with { Node = node };
            if (thread != 0 || _ofUnknown.Count is 0 or >= MaxRemembered) return;
            _ofUnknown[node] = time.GetTimestamp();
            Count();
        }
    }

    /// <summary>Whether this open is the thread's second try. It has only one.</summary>
    public bool IsRetry(uint thread, ulong node)
    {
        if (_count == 0) return false;
        lock (_lock)
        {
            if (thread == 0)
                return _ofUnknown.TryGetValue(node, out var at) && time.GetElapsedTime(at) < _memoryOfUnknown;
            if (!_threads.Remove(thread, out var refused)) return false;
            Count();
            return refused.Node == node && time.GetElapsedTime(refused.At) < _memory;
        }
    }

    private void DropOld()
    {
        foreach (var (thread, refused) in _threads)
        {
            if (time.GetElapsedTime(refused.At) >= _memory) _threads.Remove(thread);
        }

        foreach (var (node, at) in _ofUnknown)
        {
            if (time.GetElapsedTime(at) >= _memoryOfUnknown) _ofUnknown.Remove(node);
        }

        Count();
    }

    private void Clear()
    {
        _threads.Clear();
        _ofUnknown.Clear();
    }

    private void Count() => _count = _threads.Count + _ofUnknown.Count;
}
