using ThreeFs.Base;
using ThreeFs.Base.Memory;

namespace ThreeFs.Cli.Bench;

/// <summary>
/// Memory that operations in flight at the same time use, each its own part. Filled with random bytes once, so that no
/// measurement pays for that or for the first touch of a page.
/// </summary>
internal sealed class LaneBuffers : IDisposable
{
    private readonly BufferLease[] _leases;
    private readonly int _leaseBytes;

    /// <param name="bytes">Of all lanes together; the pool must have room for them.</param>
    public LaneBuffers(BufferPool pool, long bytes, SeededRandom random)
    {
        _leaseBytes = (int)Math.Min(bytes, 1 << BufferPool.MaxShift);
        var count = (bytes + _leaseBytes - 1) / _leaseBytes;
        _leases = [.. Enumerable.Range(0, (int)count).Select(_ => pool.TryRent(_leaseBytes)!)];
        foreach (var lease in _leases) random.NextBytes(lease.Memory.Span);
    }

    /// <param name="size">Bytes of every lane, a power of two.</param>
    public IoMemory Of(int lane, int size)
    {
        var each = _leaseBytes / size;
        return _leases[lane / each].Memory.Slice(lane % each * size, size);
    }

    public void Dispose()
    {
        foreach (var lease in _leases) lease.Dispose();
    }
}
