using ThreeFs.Base;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Fuse.Tables;

/// <summary>Who holds locks at this mount: the number is the kernel's, for a process or an open file description.</summary>
internal readonly record struct LockOwner(LockKind Kind, ulong Number);

/// <summary>
/// Which owners of this mount may hold locks on one inode, so that they are given back when the owner closes it. What exactly
/// they hold is known to the metadata service. Thread-safe.
/// </summary>
internal sealed class InodeLocks(InodeId id)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<LockOwner, ulong> _handles = [];
    private readonly HashSet<LockOwner> _closed = [];
    private TaskCompletionSource _changed = New();

    public InodeId Id { get; } = id;

    /// <summary>One at a time asks the metadata service to change locks of the inode, so that the answers keep the order.</summary>
    public SemaphoreSlim Turn { get; } = new(1, 1);

    /// <summary>Operations that use this; guarded by the table.</summary>
    public int Users { get; set; }

    /// <summary>Completes when a lock of this mount was given back or changed since it was asked for.</summary>
    public Task Changed
    {
        get
        {
            lock (_lock) return _changed.Task;
        }
    }

    public bool IsEmpty
    {
        get
        {
            lock (_lock) return _handles.Count == 0;
        }
    }

    public void SignalChanged()
    {
        TaskCompletionSource changed;
        lock (_lock) (changed, _changed) = (_changed, New());
        changed.SetResult();
    }

    /// <summary>The owner is about to ask for a lock through a file handle.</summary>
    public void Asks(LockOwner owner, ulong handle)
    {
        lock (_lock) _handles[owner] = handle;
    }

    public bool MayHold(LockOwner owner)
    {
        lock (_lock) return _handles.ContainsKey(owner);
    }

    /// <summary>Owners that asked through the handle last.</summary>
    public LockOwner[] OwnersThrough(ulong handle)
    {
        lock (_lock) return [.. _handles.Where(h => h.Value == handle).Select(h => h.Key)];
    }

    /// <summary>
    /// The owner has closed the file: everything is to be given back, and before that nothing is set for its number, which
    /// may be another process's by then.
    /// </summary>
    public void Closed(LockOwner owner)
    {
        lock (_lock) _closed.Add(owner);
    }

    public bool IsClosed(LockOwner owner)
    {
        lock (_lock) return _closed.Contains(owner);
    }

    public LockOwner[] AllClosed()
    {
        lock (_lock) return [.. _closed];
    }

    /// <summary>The owner holds nothing any more.</summary>
    public void Released(LockOwner owner)
    {
        lock (_lock)
        {
            _handles.Remove(owner);
            _closed.Remove(owner);
        }
    }

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
