using System.Buffers.Binary;
using ThreeFs.Base;

namespace ThreeFs.Contracts.Storage;

/// <summary>The last update of one client channel that a replica carried out, with its answer.</summary>
/// <param name="Version">The version it made; the committed one too.</param>
/// <param name="Length">Bytes the chunk had after it; 0 for a removal.</param>
/// <param name="Crc">CRC-32C of the whole chunk after it.</param>
public readonly record struct ChannelUpdate(UpdateTag Tag, ChunkId Chunk, UpdateVersion Version, uint Length, uint Crc)
{
    /// <summary>Bytes of one, the same on the wire and on disk; their owner states the format's version.</summary>
    public const int Size = 64;

    public void WriteTo(Span<byte> d)
    {
        d[..Size].Clear();
        Tag.Client.Value.TryWriteBytes(d);
        BinaryPrimitives.WriteUInt64LittleEndian(d[16..], Tag.Sequence);
        BinaryPrimitives.WriteUInt16LittleEndian(d[24..], Tag.Channel.Value);
        Chunk.WriteTo(d[32..]);
        BinaryPrimitives.WriteUInt64LittleEndian(d[48..], Version.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(d[56..], Length);
        BinaryPrimitives.WriteUInt32LittleEndian(d[60..], Crc);
    }

    public static ChannelUpdate ReadFrom(ReadOnlySpan<byte> s) => new(
        new UpdateTag(
            new ClientId(new Guid(s[..16])),
            new ChannelId(BinaryPrimitives.ReadUInt16LittleEndian(s[24..])),
            BinaryPrimitives.ReadUInt64LittleEndian(s[16..])),
        ChunkId.ReadFrom(s[32..]),
        new UpdateVersion(BinaryPrimitives.ReadUInt64LittleEndian(s[48..])),
        BinaryPrimitives.ReadUInt32LittleEndian(s[56..]),
        BinaryPrimitives.ReadUInt32LittleEndian(s[60..]));

    public UpdateResult ToResult(ChainVersion chain) => new(
        StatusCode.Ok, Version, new CommitVersion(Version.Value), Length, Crc, chain);
}
