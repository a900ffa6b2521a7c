using ThreeFs.Base;

namespace ThreeFs.Fuse.Tables;

/// <summary>The inodes with locks of this mount, or with somebody asking for one. Thread-safe.</summary>
internal sealed class LockTable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<InodeId, InodeLocks> _inodes = [];

    public int Count
    {
        get
        {
            lock (_lock) return _inodes.Count;
        }
    }

    /// <summary>Stays in the table until <see cref="Leave"/>.</summary>
    public InodeLocks Enter(InodeId id)
    {
        lock (_lock)
        {
            if (!_inodes.TryGetValue(id, out var locks)) _inodes.Add(id, locks = new InodeLocks(id));
            locks.Users++;
            return locks;
        }
    }

    /// <summary>The same if there is anything about the inode.</summary>
    public InodeLocks? EnterIfAny(InodeId id)
    {
        lock (_lock)
        {
            if (!_inodes.TryGetValue(id, out var locks)) return null;
            locks.Users++;
            return locks;
        }
    }

    /// <summary>Those with owners that have closed the file and not given everything back.</summary>
    public InodeLocks[] EnterAllClosed()
    {
        lock (_lock)
        {
            var waiting = _inodes.Values.Where(l => l.AllClosed().Length != 0).ToArray();
            foreach (var locks in waiting) locks.Users++;
            return waiting;
        }
    }

    public void Leave(InodeLocks locks)
    {
        lock (_lock)
        {
            Invariant.Check(locks.Users > 0, "locks are left as often as they were entered");
            if (--locks.Users == 0 && locks.IsEmpty) _inodes.Remove(locks.Id);
        }
    }
}
