using System.Buffers.Binary;
using ThreeFs.Base;

namespace ThreeFs.Meta.Records;

/// <summary>Little-endian fields one after the other, behind the record's version byte. The buffer is sized by the caller.</summary>
internal ref struct RecordWriter
{
    private readonly Span<byte> _buffer;
    private int _length;

    public RecordWriter(Span<byte> buffer, byte version)
    {
        _buffer = buffer;
        U8(version);
    }

    public readonly ReadOnlySpan<byte> Written => _buffer[.._length];

    public void U8(byte value) => Take(1)[0] = value;
    public void U16(ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(Take(2), value);
    public void U32(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Take(4), value);
    public void U64(ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(Take(8), value);
    public void I64(long value) => BinaryPrimitives.WriteInt64LittleEndian(Take(8), value);
    public void Guid(Guid value) => Invariant.Check(value.TryWriteBytes(Take(16)));

    /// <summary>At most 65535 bytes, behind their length.</summary>
    public void Bytes(ReadOnlySpan<byte> value)
    {
        U16(checked((ushort)value.Length));
        value.CopyTo(Take(value.Length));
    }

    private Span<byte> Take(int count)
    {
        Invariant.Check(count <= _buffer.Length - _length, "a record fits the buffer handed to its writer");
        var span = _buffer.Slice(_length, count);
        _length += count;
        return span;
    }
}
