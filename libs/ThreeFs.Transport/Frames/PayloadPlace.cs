using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;

namespace ThreeFs.Transport.Frames;

/// <summary>A part of the sender's arena.</summary>
internal readonly record struct Extent(long Offset, int Length);

/// <summary>
/// Where in the sender's arena a payload lies for its receiver. Pooled. Disposed by the transport once the receiver
/// has it, or never will: until then no buffer it names is used again.
/// </summary>
internal sealed class PayloadPlace(BoundedPool<PayloadPlace> home) : IDisposable
{
    private readonly BufferLease?[] _leases = new BufferLease?[2];
    private Extent[] _extents = new Extent[4];
    private int _leaseCount;
    private int _count;

    public ReadOnlySpan<Extent> Extents => _extents.AsSpan(0, _count);

    /// <summary>The payload's own memory is named: its owner waits until the receiver has it.</summary>
    public bool IsByReference => _leaseCount == 0;

    /// <summary>Adds a part; one that continues the last is joined with it.</summary>
    public void Add(long offset, int length)
    {
        if (_count > 0 && _extents[_count - 1] is var last && last.Offset + last.Length == offset)
        {
            _extents[_count - 1] = last with { Length = last.Length + length };
            return;
        }

        if (_count == _extents.Length) Array.Resize(ref _extents, _count * 2);
        _extents[_count++] = new Extent(offset, length);
    }

    public void Own(BufferLease lease) => _leases[_leaseCount++] = lease;

    public void Clear() => _count = 0;

    public void Dispose()
    {
        for (var i = 0; i < _leaseCount; i++)
        {
            _leases[i]!.Dispose();
            _leases[i] = null;
        }

        _leaseCount = 0;
        _count = 0;
        home.TryAdd(this);
    }
}
