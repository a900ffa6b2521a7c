using System.Buffers.Binary;
using ThreeFs.Base;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine.Device;

namespace ThreeFs.Storage.ChunkEngine.Records;

/// <summary>The folded content of a chunk: all updates up to <paramref name="Sequence"/> are in the block.</summary>
internal readonly record struct BaseRecord(
    BlockPosition Position, ulong Sequence, UpdateVersion Update, ChainVersion Chain, uint Length, uint Crc, UpdateTag Tag)
{
    public const byte Version = 1;
    public const int Size = 72;

    public void WriteTo(Span<byte> d)
    {
        d[..Size].Clear();
        d[0] = Version;
        BinaryPrimitives.WriteUInt16LittleEndian(d[2..], Tag.Channel.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(d[4..], Chain.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(d[8..], Position.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(d[16..], Sequence);
        BinaryPrimitives.WriteUInt64LittleEndian(d[24..], Update.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(d[32..], Length);
        BinaryPrimitives.WriteUInt32LittleEndian(d[36..], Crc);
        Tag.Client.Value.TryWriteBytes(d[40..]);
        BinaryPrimitives.WriteUInt64LittleEndian(d[56..], Tag.Sequence);
    }

    public static Result<BaseRecord> Read(ReadOnlySpan<byte> key, ReadOnlySpan<byte> s)
    {
        if (s.IsEmpty) return RecordErrors.Malformed("chunk", key, "it is empty");
        if (s[0] != Version) return RecordErrors.UnknownVersion("chunk", s[0], Version);
        if (s.Length != Size || key.Length != 1 + ChunkId.Size) return RecordErrors.Malformed("chunk", key, "its size is wrong");
        var record = new BaseRecord(
            new BlockPosition(BinaryPrimitives.ReadUInt64LittleEndian(s[8..])),
            BinaryPrimitives.ReadUInt64LittleEndian(s[16..]),
            new UpdateVersion(BinaryPrimitives.ReadUInt64LittleEndian(s[24..])),
            new ChainVersion(BinaryPrimitives.ReadUInt32LittleEndian(s[4..])),
            BinaryPrimitives.ReadUInt32LittleEndian(s[32..]),
            BinaryPrimitives.ReadUInt32LittleEndian(s[36..]),
            new UpdateTag(
                new ClientId(new Guid(s[40..56])),
                new ChannelId(BinaryPrimitives.ReadUInt16LittleEndian(s[2..])),
                BinaryPrimitives.ReadUInt64LittleEndian(s[56..])));
        if (!record.Position.IsValid || record.Length > record.Position.Class.Bytes || record.Update.Value == 0)
            return RecordErrors.Malformed("chunk", key, "block, length or version make no sense");
        return record;
    }
}
