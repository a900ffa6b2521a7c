namespace ThreeFs.Base.Memory;

/// <summary>
/// A piece of native memory that a device or socket reads from or writes to. It does not own the memory: whoever holds the
/// <see cref="BufferLease"/> (or the mapping) keeps it alive. Never points into the managed heap, so it needs no pinning.
/// </summary>
public readonly unsafe struct IoMemory(nint address, int length) : IEquatable<IoMemory>
{
    public nint Address { get; } = address;
    public int Length { get; } = length;
    public bool IsEmpty => Length == 0;
    public Span<byte> Span => new((void*)Address, Length);

    public IoMemory Slice(int offset, int length)
    {
        Invariant.Check((uint)offset <= (uint)Length && (uint)length <= (uint)(Length - offset), "slice lies inside the memory");
        return new IoMemory(Address + offset, length);
    }

    public IoMemory Slice(int offset) => Slice(offset, Length - offset);

    public bool Equals(IoMemory other) => Address == other.Address && Length == other.Length;
    public override bool Equals(object? obj) => obj is IoMemory other && Equals(other);
    public override int GetHashCode() => HashCode.Combine(Address, Length);
}
