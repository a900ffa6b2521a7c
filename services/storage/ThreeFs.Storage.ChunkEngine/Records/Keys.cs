using System.Buffers.Binary;
using ThreeFs.Base;
using ThreeFs.Storage.ChunkEngine.Device;

namespace ThreeFs.Storage.ChunkEngine.Records;

/// <summary>
/// Keys of the index, told apart by their first byte; numbers are big-endian so that key order is numeric order.
/// <code>
/// 'T'                      the target                        (TargetRecord)
/// 'F'                      updates whose data is durable     (u8 version, u64 sequence)
/// 'M' chunk:16             folded content of a chunk         (BaseRecord)
/// 'L' chunk:16 sequence:8  update not folded, maybe pending  (LogRecord)
/// 'K' chunk:16             newest committed update           (CommitRecord)
/// 'C' position:8 page:2    checksums of 256 units of a block (u8 version, u32 each)
/// 'B' class:1 group:4      blocks in use of a group of 256   (u8 version, 32 bytes)
/// 'H' slot:4               last update of a client's channel (ChannelRecord)
/// </code>
/// </summary>
internal static class Keys
{
    public const byte Target = (byte)'T';
    public const byte Flushed = (byte)'F';
    public const byte Base = (byte)'M';
    public const byte Log = (byte)'L';
    public const byte Commit = (byte)'K';
    public const byte Checksums = (byte)'C';
    public const byte Bitmap = (byte)'B';

    public const byte Channel = (byte)'H';

    public const int ChannelSize = 5;
    public const int MaxSize = 1 + ChunkId.Size + 8;

    public static ReadOnlySpan<byte> ForTarget => [Target];

    public static ReadOnlySpan<byte> ForFlushed => [Flushed];

    public static ReadOnlySpan<byte> ForChunk(Span<byte> room, byte kind, ChunkId chunk)
    {
        room[0] = kind;
        chunk.WriteTo(room[1..]);
        return room[..(1 + ChunkId.Size)];
    }

    public static ReadOnlySpan<byte> ForLog(Span<byte> room, ChunkId chunk, ulong sequence)
    {
        ForChunk(room, Log, chunk);
        BinaryPrimitives.WriteUInt64BigEndian(room[(1 + ChunkId.Size)..], sequence);
        return room[..(1 + ChunkId.Size + 8)];
    }

    public static ReadOnlySpan<byte> ForChecksums(Span<byte> room, BlockPosition position, int page)
    {
        room[0] = Checksums;
        BinaryPrimitives.WriteUInt64BigEndian(room[1..], position.Value);
        BinaryPrimitives.WriteUInt16BigEndian(room[9..], (ushort)page);
        return room[..11];
    }

    public static ReadOnlySpan<byte> ForBitmap(Span<byte> room, BlockClass size, int group)
    {
        room[0] = Bitmap;
        room[1] = size.Value;
        BinaryPrimitives.WriteUInt32BigEndian(room[2..], (uint)group);
        return room[..6];
    }

    public static ReadOnlySpan<byte> ForChannel(Span<byte> room, int slot)
    {
        room[0] = Channel;
        BinaryPrimitives.WriteUInt32BigEndian(room[1..], (uint)slot);
        return room[..ChannelSize];
    }

    public static int SlotOf(ReadOnlySpan<byte> key) => (int)BinaryPrimitives.ReadUInt32BigEndian(key[1..]);

    public static ChunkId ChunkOf(ReadOnlySpan<byte> key) => ChunkId.ReadFrom(key[1..]);

    public static ulong SequenceOf(ReadOnlySpan<byte> key) => BinaryPrimitives.ReadUInt64BigEndian(key[(1 + ChunkId.Size)..]);
}
