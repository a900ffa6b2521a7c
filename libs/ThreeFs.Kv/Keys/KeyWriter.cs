using System.Buffers.Binary;
using ThreeFs.Base;

namespace ThreeFs.Kv;

/// <summary>
/// Builds a key whose bytes sort like the tuple of its fields: integers big-endian (signed ones with the sign bit
/// flipped), raw bytes only as the last field, other byte strings escaped. Writes into the caller's buffer, usually
/// <c>stackalloc byte[KeyWriter.Typical]</c>; running over its end is a defect of the caller.
/// </summary>
public ref struct KeyWriter
{
    /// <summary>Enough for a prefix, an id and the longest file name.</summary>
    public const int Typical = 320;

    private readonly Span<byte> _buffer;
    private int _length;

    public KeyWriter(Span<byte> buffer, KeyPrefix prefix)
    {
        _buffer = buffer;
        prefix.Write(Take(KeyPrefix.Size));
    }

    public readonly ReadOnlySpan<byte> Written => _buffer[.._length];

    public readonly byte[] ToArray() => Written.ToArray();

    public void U8(byte value) => Take(1)[0] = value;

    public void U16(ushort value) => BinaryPrimitives.WriteUInt16BigEndian(Take(2), value);

    public void U32(uint value) => BinaryPrimitives.WriteUInt32BigEndian(Take(4), value);

    public void U64(ulong value) => BinaryPrimitives.WriteUInt64BigEndian(Take(8), value);

    public void I64(long value) => U64((ulong)value ^ 1UL << 63);

    public void Guid(Guid value) => Invariant.Check(value.TryWriteBytes(Take(16), bigEndian: true, out _));

    /// <summary>Bytes without a terminator: the last field, or one of fixed length.</summary>
    public void Raw(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Take(bytes.Length));

    /// <summary>
    /// A byte string that other fields may follow: 00 becomes 00 FF, and 00 01 ends it, so that a prefix sorts first.
    /// </summary>
    public void Escaped(ReadOnlySpan<byte> bytes)
    {
        foreach (var b in bytes)
        {
            U8(b);
            if (b == 0) U8(0xFF);
        }

        U16(0x0001);
    }

    /// <summary>
    /// Room for a versionstamp; returns its offset for <see cref="IKvTransaction.SetVersionstampedKey"/>.
    /// </summary>
    public int Stamp()
    {
        var offset = _length;
        Take(Versionstamp.Size).Clear();
        return offset;
    }

    private Span<byte> Take(int count)
    {
        Invariant.Check(count <= _buffer.Length - _length, "a key fits the buffer handed to its writer");
        var span = _buffer.Slice(_length, count);
        _length += count;
        return span;
    }
}
