using System.Buffers.Binary;
using ThreeFs.Base;

namespace ThreeFs.Contracts.Storage;

/// <summary>Asks the last serving replica of a chain which version of a chunk is committed.</summary>
public readonly record struct QueryCommittedRequest(VersionedChain Chain, ChunkId Chunk);

/// <summary>Tells a syncing target that it now has every chunk its predecessor has, and hands over the channels.</summary>
/// <param name="ChannelCount">Records of <see cref="ChannelUpdate.Size"/> bytes in the payload.</param>
/// <param name="Crc">CRC-32C of the payload.</param>
public readonly record struct SyncDoneRequest(VersionedChain Chain, TargetId Target, uint ChannelCount, uint Crc);

/// <summary>
/// Headers of the methods that replicas speak among themselves beside the update; see <see cref="StorageCodec"/> for the rules.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item>QueryCommitted: request <see cref="QueryCommittedSize"/>; response <see cref="StorageCodec.UpdateResultSize"/> with the committed
/// version (0: there is no such chunk), length and checksum.</item>
/// <item>SyncDone: request <see cref="SyncDoneSize"/>, payload the channels' last updates; response <see cref="StorageCodec.UpdateResultSize"/>, code and chain version only.</item>
/// </list>
/// </remarks>
public static class ReplicaCodec
{
    public const int QueryCommittedSize = StorageCodec.PreambleSize + 24;
    public const int SyncDoneSize = StorageCodec.PreambleSize + 24;

    public static void Write(Span<byte> d, in QueryCommittedRequest r)
    {
        StorageCodec.WritePreamble(d, 0, 0);
        d = d[StorageCodec.PreambleSize..];
        StorageCodec.Put(d, r.Chain);
        r.Chunk.WriteTo(d[8..]);
    }

    public static StatusCode Read(ReadOnlySpan<byte> s, out QueryCommittedRequest r)
    {
        r = default;
        var code = StorageCodec.ReadPreamble(s, out _, out _);
        if (code != StatusCode.Ok) return code;
        if (s.Length != QueryCommittedSize) return StatusCode.InvalidArgument;
        s = s[StorageCodec.PreambleSize..];
        r = new QueryCommittedRequest(StorageCodec.GetChain(s), ChunkId.ReadFrom(s[8..]));
        return StatusCode.Ok;
    }

    public static void Write(Span<byte> d, in SyncDoneRequest r)
    {
        StorageCodec.WritePreamble(d, 0, 0);
        d = d[StorageCodec.PreambleSize..];
        StorageCodec.Put(d, r.Chain);
        BinaryPrimitives.WriteUInt64LittleEndian(d[8..], r.Target.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(d[16..], r.ChannelCount);
        BinaryPrimitives.WriteUInt32LittleEndian(d[20..], r.Crc);
    }

    public static StatusCode Read(ReadOnlySpan<byte> s, out SyncDoneRequest r)
    {
        r = default;
        var code = StorageCodec.ReadPreamble(s, out _, out _);
        if (code != StatusCode.Ok) return code;
        if (s.Length != SyncDoneSize) return StatusCode.InvalidArgument;
        s = s[StorageCodec.PreambleSize..];
        r = new SyncDoneRequest(
            StorageCodec.GetChain(s), new TargetId(BinaryPrimitives.ReadUInt64LittleEndian(s[8..])),
            BinaryPrimitives.ReadUInt32LittleEndian(s[16..]), BinaryPrimitives.ReadUInt32LittleEndian(s[20..]));
        return StatusCode.Ok;
    }
}
