namespace ThreeFs.Base.Tasks;

/// <summary>
/// Keeps up to a number of idle objects for reuse; more are dropped for the collector. Last in, first out: the object
/// taken is the one whose memory is warm. Thread-safe; taking and adding allocate nothing once the pool has grown.
/// </summary>
public sealed class BoundedPool<T>(int limit)
    where T : class
{
    private readonly Lock _lock = new();
    private T?[] _items = new T?[Math.Min(limit, 16)];
    private int _count;

    public T? TryTake()
    {
        lock (_lock)
        {
            if (_count == 0) return null;
            var item = _items[--_count];
            _items[_count] = null;
            return item;
        }
    }

    public bool TryAdd(T item)
    {
        lock (_lock)
        {
            if (_count == limit) return false;
            if (_count == _items.Length) Array.Resize(ref _items, Math.Min(limit, _count * 2));
            _items[_count++] = item;
            return true;
        }
    }
}
