namespace ThreeFs.Fuse.Tables;

/// <summary>
/// Who waits for whom among the lock owners of this mount. A wait that would close a ring is refused (EDEADLK): none of
/// them could ever go on. Rings through other mounts are not seen. Thread-safe; linear in the number of waits.
/// </summary>
internal sealed class LockWaits
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ulong, (ulong Waiter, ulong Blocker)> _waits = [];

    public int Count
    {
        get
        {
            lock (_lock) return _waits.Count;
        }
    }

    /// <summary>Begins a wait or changes whom it is for; false when the blocker waits for the waiter.</summary>
    /// <param name="ticket">Tells the waits apart: one owner may wait in several threads.</param>
    public bool TryWait(ulong ticket, ulong waiter, ulong blocker)
    {
        lock (_lock)
        {
            _waits.Remove(ticket);
            if (Reaches(blocker, waiter, [])) return false;
            _waits.Add(ticket, (waiter, blocker));
            return true;
        }
    }

    public void Done(ulong ticket)
    {
        lock (_lock) _waits.Remove(ticket);
    }

    private bool Reaches(ulong from, ulong to, HashSet<ulong> seen)
    {
        if (from == to) return true;
        if (!seen.Add(from)) return false;
        foreach (var (waiter, blocker) in _waits.Values)
        {
            if (waiter == from && Reaches(blocker, to, seen)) return true;
        }

        return false;
    }
}
