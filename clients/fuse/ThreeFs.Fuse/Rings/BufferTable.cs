using ThreeFs.UsrbIo;

namespace ThreeFs.Fuse.Rings;

/// <summary>The registered buffers of all applications, by id. Thread-safe.</summary>
internal sealed class BufferTable
{
    private readonly Lock _lock = new();
    private readonly Dictionary<BufferId, SharedBuffer> _buffers = [];

    /// <summary>False when the id is taken.</summary>
    public bool TryAdd(SharedBuffer buffer)
    {
        lock (_lock) return _buffers.TryAdd(buffer.Key.Id, buffer);
    }

    public void Remove(SharedBuffer buffer)
    {
        lock (_lock) _buffers.Remove(buffer.Key.Id);
        buffer.Release();
    }

    /// <summary>A buffer of this user, which the caller releases; null when there is none.</summary>
    public SharedBuffer? Acquire(BufferId id, uint owner)
    {
        lock (_lock)
        {
            return _buffers.TryGetValue(id, out var buffer) && buffer.Owner == owner && !buffer.Key.IsRing && buffer.TryAcquire()
                ? buffer
                : null;
        }
    }
}
