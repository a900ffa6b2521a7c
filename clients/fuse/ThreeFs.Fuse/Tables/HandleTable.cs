namespace ThreeFs.Fuse.Tables;

/// <summary>
/// Numbers for open files and directories, as the kernel wants them. Finding one takes no lock and allocates nothing; a
/// number is used again only after it was removed. Thread-safe.
/// </summary>
internal sealed class HandleTable<T>
    where T : class
{
    private readonly Lock _lock = new();
    private readonly Stack<int> _free = new();
    private volatile T?[] _items = new T?[64];
    private int _used;

    public int Count
    {
        get
        {
            lock (_lock) return _used - _free.Count;
        }
    }

    public ulong Add(T item)
    {
        lock (_lock)
        {
            if (!_free.TryPop(out var index))
            {
                index = _used++;
                if (index == _items.Length)
                {
                    // Copied before it is published: a reader sees either array, both with every open handle.
                    var larger = new T?[index * 2];
                    _items.CopyTo(larger, 0);
                    _items = larger;
                }
            }

            Volatile.Write(ref _items[index], item);
            return (ulong)index + 1;
        }
    }

    public T? Find(ulong handle)
    {
        var items = _items;
        return handle - 1 < (ulong)items.Length ? Volatile.Read(ref items[handle - 1]) : null;
    }

    /// <summary>What is open now; slow.</summary>
    public IEnumerable<(ulong Handle, T Item)> All()
    {
        var items = _items;
        for (var i = 0; i < items.Length; i++)
        {
            if (Volatile.Read(ref items[i]) is { } item) yield return ((ulong)i + 1, item);
        }
    }

    public T? Remove(ulong handle)
    {
        lock (_lock)
        {
            if (Find(handle) is not { } item) return null;
            Volatile.Write(ref _items[handle - 1], null);
            _free.Push((int)(handle - 1));
            return item;
        }
    }
}
