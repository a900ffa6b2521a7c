namespace ThreeFs.Base.Memory;

/// <summary>
/// Ownership of one pooled buffer. Exactly one owner disposes it exactly once; a second holder asks for its own count with
/// <see cref="AddReference"/>. The object itself is pooled together with its memory, so leasing allocates nothing.
/// </summary>
public sealed class BufferLease : IDisposable
{
    private readonly BufferPool _pool;
    private int _references;

    internal BufferLease(BufferPool pool, nint address, int capacity)
    {
        _pool = pool;
        Capacity = capacity;
        Memory = new IoMemory(address, capacity);
    }

    /// <summary>The whole buffer, aligned to <see cref="BufferPool.Alignment"/>; its content is whatever was there.</summary>
    public IoMemory Memory { get; }

    public int Capacity { get; }

    public void AddReference()
    {
        var now = Interlocked.Increment(ref _references);
        Invariant.Check(now > 1, "a reference is added to a live lease");
    }

    public void Dispose()
    {
        var left = Interlocked.Decrement(ref _references);
        Invariant.Check(left >= 0, "a buffer lease is disposed once");
        if (left == 0) _pool.Return(this);
    }

    internal void Activate()
    {
        var now = Interlocked.Increment(ref _references);
        Invariant.Check(now == 1, "a pooled buffer has no owner");
    }
}
