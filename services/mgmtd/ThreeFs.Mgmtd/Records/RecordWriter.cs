using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace ThreeFs.Mgmtd.Records;

/// <summary>
/// Builds a stored record: a version byte, then fields in order, little-endian; texts and lists with
/// a u32 count in front.
/// </summary>
internal sealed class RecordWriter
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    public RecordWriter(byte version) => U8(version);

    public byte[] ToArray() => _bytes.WrittenSpan.ToArray();

    public RecordWriter U8(byte value)
    {
        _bytes.Write([value]);
        return this;
    }

    public RecordWriter U32(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_bytes.GetSpan(4), value);
        _bytes.Advance(4);
        return this;
    }

    public RecordWriter U64(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(_bytes.GetSpan(8), value);
        _bytes.Advance(8);
        return this;
    }

    public RecordWriter Text(string value)
    {
        U32((uint)Encoding.UTF8.GetByteCount(value));
        Encoding.UTF8.GetBytes(value, _bytes);
        return this;
    }

    public RecordWriter List<T>(IReadOnlyCollection<T> items, Action<RecordWriter, T> write)
    {
        U32((uint)items.Count);
        foreach (var item in items) write(this, item);
        return this;
    }
}
