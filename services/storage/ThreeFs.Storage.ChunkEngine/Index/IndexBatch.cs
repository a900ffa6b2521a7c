using System.Buffers.Binary;
using ThreeFs.Base;

namespace ThreeFs.Storage.ChunkEngine.Index;

/// <summary>
/// Puts and deletes that take effect together, built in one reusable buffer. The buffer has RocksDB's own batch layout, so
/// that engine hands it over with one call: 8 bytes of zeros, the number of operations as u32 little-endian, then for a
/// put 0x01, varint key length, key, varint value length, value, and for a delete 0x00 (0x07: of a key that was put exactly once),
/// varint key length, key.
/// </summary>
public sealed class IndexBatch
{
    private const int HeaderSize = 12;
    private const byte PutTag = 1;
    private const byte DeleteTag = 0;
    private const byte DeleteOnceTag = 7;

    private byte[] _buffer = new byte[64 * 1024];
    private int _length = HeaderSize;
    private int _count;

    public int Count => _count;

    public bool IsEmpty => _count == 0;

    /// <summary>The batch in RocksDB's layout.</summary>
    public ReadOnlySpan<byte> Bytes
    {
        get
        {
            BinaryPrimitives.WriteUInt32LittleEndian(_buffer.AsSpan(8), (uint)_count);
            return _buffer.AsSpan(0, _length);
        }
    }

    public void Clear()
    {
        _length = HeaderSize;
        _count = 0;
    }

    public void Put(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => value.CopyTo(BeginPut(key, value.Length));

    /// <summary>Adds a put and returns the room of its value, which the caller fills before it touches the batch again.</summary>
    public Span<byte> BeginPut(ReadOnlySpan<byte> key, int valueLength)
    {
        EnsureRoom(1 + 5 + key.Length + 5 + valueLength);
        _count++;
        _buffer[_length++] = PutTag;
        WriteVarint((uint)key.Length);
        key.CopyTo(_buffer.AsSpan(_length));
        _length += key.Length;
        WriteVarint((uint)valueLength);
        var room = _buffer.AsSpan(_length, valueLength);
        _length += valueLength;
        return room;
    }

    public void Delete(ReadOnlySpan<byte> key) => Delete(key, DeleteTag);

    /// <summary>
    /// Deletes a key that was put exactly once since it last was deleted: an engine that keeps logs forgets both together.
    /// </summary>
    public void DeleteOnce(ReadOnlySpan<byte> key) => Delete(key, DeleteOnceTag);

    /// <summary>Walks the operations in order; a delete has no value. For engines that do not take the layout as it is.</summary>
    public static void Visit(ReadOnlySpan<byte> bytes, Operation onOperation)
    {
        bytes = bytes[HeaderSize..];
        while (!bytes.IsEmpty)
        {
            var tag = bytes[0];
            Invariant.Check(tag is PutTag or DeleteTag or DeleteOnceTag, "a batch holds puts and deletes");
            bytes = bytes[1..];
            var key = TakeBytes(ref bytes);
            if (tag == PutTag) onOperation(key, TakeBytes(ref bytes), isDelete: false);
            else onOperation(key, default, isDelete: true);
        }
    }

    public delegate void Operation(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, bool isDelete);

    private void Delete(ReadOnlySpan<byte> key, byte tag)
    {
        EnsureRoom(1 + 5 + key.Length);
        _count++;
        _buffer[_length++] = tag;
        WriteVarint((uint)key.Length);
        key.CopyTo(_buffer.AsSpan(_length));
        _length += key.Length;
    }

    private static ReadOnlySpan<byte> TakeBytes(ref ReadOnlySpan<byte> bytes)
    {
        var length = 0u;
        var shift = 0;
        byte b;
        do
        {
            b = bytes[0];
            bytes = bytes[1..];
            length |= (uint)(b & 0x7F) << shift;
            shift += 7;
        }
        while ((b & 0x80) != 0);
        var taken = bytes[..(int)length];
        bytes = bytes[(int)length..];
        return taken;
    }

    private void WriteVarint(uint value)
    {
        for (; value >= 0x80; value >>= 7) _buffer[_length++] = (byte)(value | 0x80);
        _buffer[_length++] = (byte)value;
    }

    private void EnsureRoom(int more)
    {
        if (_buffer.Length - _length >= more) return;
        Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, _length + more));
    }
}
