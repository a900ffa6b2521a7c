using System.Buffers.Binary;
using ThreeFs.Base;

namespace ThreeFs.Contracts.Storage;

/// <summary>
/// Headers of the chunk service's methods beside read and update; see <see cref="StorageCodec"/> for the common rules.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item>QueryLast: request <see cref="QueryLastSize"/>; response <see cref="StorageCodec.LastChunkSize"/>.</item>
/// <item>RemoveChunks: request <see cref="RemoveChunksSize"/>; response <see cref="RemoveChunksResultSize"/>.</item>
/// <item>ListChunks: request <see cref="ListChunksSize"/>; response header is a preamble {small: 1 when no chunk
/// follows, wide: count}, payload count × <see cref="StorageCodec.ChunkMetaSize"/>.</item>
/// <item>QueryChunk: request <see cref="QueryChunkSize"/>; response <see cref="StorageCodec.ChunkMetaSize"/>.</item>
/// <item>SpaceInfo: request is a preamble; response a preamble {wide: count} and count × <see cref="DiskSpaceSize"/>.
/// </item>
/// <item>CreateTarget: request <see cref="CreateTargetSize"/>; empty response.</item>
/// <item>ListTargets: request <see cref="ListTargetsSize"/>; response a preamble {small: 1 when no target follows, wide:
/// count} and count × <see cref="TargetReportSize"/>.</item>
/// <item>StepDown: request <see cref="StepDownSize"/>; DestroyTarget: request <see cref="DestroyTargetSize"/>; empty
/// responses.</item>
/// <item>Flush, to every node that holds a serving replica: request preamble {wide: count} and count × 8 bytes of
/// versioned chain; response count × <see cref="FlushResultSize"/>. Everything acknowledged before is on stable storage
/// of that node.</item>
/// </list>
/// </remarks>
public static class StorageRequestCodec
{
    public const int QueryLastSize = StorageCodec.PreambleSize + 32;
    public const int RemoveChunksSize = StorageCodec.PreambleSize + 88;
    public const int RemoveChunksResultSize = 16;
    public const int ListChunksSize = StorageCodec.PreambleSize + 32;
    public const int QueryChunkSize = StorageCodec.PreambleSize + 24;
    public const int CreateTargetSize = StorageCodec.PreambleSize + 16;
    public const int DiskSpaceSize = 40;
    public const int ListTargetsSize = StorageCodec.PreambleSize + 8;
    public const int TargetReportSize = 88;
    public const int StepDownSize = StorageCodec.PreambleSize + 16;
    public const int DestroyTargetSize = StorageCodec.PreambleSize + 16;
    public const int FlushResultSize = 8;

    /// <summary>Most chunks in one answer to ListChunks.</summary>
    public const int MaxListedChunks = 16384;

    /// <summary>Most targets in one answer to ListTargets.</summary>
    public const int MaxListedTargets = 512;

    /// <summary>Most chains in one flush.</summary>
    public const int MaxFlushChains = 1024;

    public static int FlushRequestSize(int count) => StorageCodec.PreambleSize + count * 8;

    public static void Write(Span<byte> d, in QueryLastRequest r)
    {
        StorageCodec.WritePreamble(d, 0, 0);
        d = d[StorageCodec.PreambleSize..];
        StorageCodec.Put(d, r.Chain);
        BinaryPrimitives.WriteUInt64LittleEndian(d[8..], r.Inode.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(d[16..], r.FirstIndex);
        BinaryPrimitives.WriteUInt64LittleEndian(d[24..], r.LastIndex);
    }

    public static StatusCode Read(ReadOnlySpan<byte> s, out QueryLastRequest r)
    {
        r = default;
        var code = Body(ref s, QueryLastSize);
        if (code != StatusCode.Ok) return code;
        r = new QueryLastRequest(
            StorageCodec.GetChain(s), new InodeId(BinaryPrimitives.ReadUInt64LittleEndian(s[8..])),
            BinaryPrimitives.ReadUInt64LittleEndian(s[16..]), BinaryPrimitives.ReadUInt64LittleEndian(s[24..]));
        return StatusCode.Ok;
    }

    public static void Write(Span<byte> d, in RemoveChunksRequest r)
    {
        StorageCodec.WritePreamble(d, 0, 0);
        d = d[StorageCodec.PreambleSize..];
        StorageCodec.Put(d, r.Chain);
        BinaryPrimitives.WriteUInt64LittleEndian(d[8..], r.Inode.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(d[16..], r.FirstIndex);
        BinaryPrimitives.WriteUInt64LittleEndian(d[24..], r.LastIndex);
        r.Tag.Client.Value.TryWriteBytes(d[32..]);
        BinaryPrimitives.WriteUInt64LittleEndian(d[48..], r.Tag.Sequence);
        BinaryPrimitives.WriteUInt64LittleEndian(d[56..], r.Tag.Channel.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(d[64..], r.MaxCount);
        BinaryPrimitives.WriteUInt32LittleEndian(d[72..], r.Under.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(d[76..], r.LastLength);
        BinaryPrimitives.WriteUInt64LittleEndian(d[80..], r.ChunkSize);
    }

    public static StatusCode Read(ReadOnlySpan<byte> s, out RemoveChunksRequest r)
    {
        r = default;
        var code = Body(ref s, RemoveChunksSize);
        if (code != StatusCode.Ok) return code;
        r = new RemoveChunksRequest(
            StorageCodec.GetChain(s), new InodeId(BinaryPrimitives.ReadUInt64LittleEndian(s[8..])),
            BinaryPrimitives.ReadUInt64LittleEndian(s[16..]), BinaryPrimitives.ReadUInt64LittleEndian(s[24..]),
            new UpdateTag(
                new ClientId(new Guid(s[32..48])),
                new ChannelId((ushort)BinaryPrimitives.ReadUInt64LittleEndian(s[56..])),
                BinaryPrimitives.ReadUInt64LittleEndian(s[48..])),
            (uint)BinaryPrimitives.ReadUInt64LittleEndian(s[64..]),
            new TruncateVersion(BinaryPrimitives.ReadUInt32LittleEndian(s[72..])),
            BinaryPrimitives.ReadUInt32LittleEndian(s[76..]), (uint)BinaryPrimitives.ReadUInt64LittleEndian(s[80..]));
        return StatusCode.Ok;
    }

    public static void Write(Span<byte> d, in RemoveChunksResult r)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(d, (ushort)r.Code);
        BinaryPrimitives.WriteUInt16LittleEndian(d[2..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(d[4..], r.Removed);
        BinaryPrimitives.WriteUInt64LittleEndian(d[8..], r.More ? 1u : 0u);
    }

    public static RemoveChunksResult ReadRemoveChunksResult(ReadOnlySpan<byte> s) => new(
        (StatusCode)BinaryPrimitives.ReadUInt16LittleEndian(s), BinaryPrimitives.ReadUInt32LittleEndian(s[4..]),
        BinaryPrimitives.ReadUInt64LittleEndian(s[8..]) != 0);

    public static void Write(Span<byte> d, in ListChunksRequest r)
    {
        StorageCodec.WritePreamble(d, r.After is null ? (byte)0 : (byte)1, 0);
        d = d[StorageCodec.PreambleSize..];
        BinaryPrimitives.WriteUInt64LittleEndian(d, r.Target.Value);
        r.After.GetValueOrDefault().WriteTo(d[8..]);
        BinaryPrimitives.WriteUInt32LittleEndian(d[24..], r.Limit);
        BinaryPrimitives.WriteUInt32LittleEndian(d[28..], r.Resync.Value);
    }

    public static StatusCode Read(ReadOnlySpan<byte> s, out ListChunksRequest r)
    {
        r = default;
        var code = StorageCodec.ReadPreamble(s, out var small, out _);
        if (code != StatusCode.Ok) return code;
        if (s.Length != ListChunksSize) return StatusCode.InvalidArgument;
        s = s[StorageCodec.PreambleSize..];
        var limit = BinaryPrimitives.ReadUInt32LittleEndian(s[24..]);
        if (limit is 0 or > MaxListedChunks) return StatusCode.InvalidArgument;
        r = new ListChunksRequest(
            new TargetId(BinaryPrimitives.ReadUInt64LittleEndian(s)), small == 0 ? null : ChunkId.ReadFrom(s[8..]), limit,
            new ChainVersion(BinaryPrimitives.ReadUInt32LittleEndian(s[28..])));
        return StatusCode.Ok;
    }

    public static void Write(Span<byte> d, in QueryChunkRequest r)
    {
        StorageCodec.WritePreamble(d, 0, 0);
        d = d[StorageCodec.PreambleSize..];
        BinaryPrimitives.WriteUInt64LittleEndian(d, r.Target.Value);
        r.Chunk.WriteTo(d[8..]);
    }

    public static StatusCode Read(ReadOnlySpan<byte> s, out QueryChunkRequest r)
    {
        r = default;
        var code = Body(ref s, QueryChunkSize);
        if (code != StatusCode.Ok) return code;
        r = new QueryChunkRequest(new TargetId(BinaryPrimitives.ReadUInt64LittleEndian(s)), ChunkId.ReadFrom(s[8..]));
        return StatusCode.Ok;
    }

    public static void Write(Span<byte> d, in CreateTargetRequest r)
    {
        StorageCodec.WritePreamble(d, 0, 0);
        d = d[StorageCodec.PreambleSize..];
        BinaryPrimitives.WriteUInt64LittleEndian(d, r.Target.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(d[8..], r.Chain.Value);
        BinaryPrimitives.WriteInt32LittleEndian(d[12..], r.DiskIndex);
    }

    public static StatusCode Read(ReadOnlySpan<byte> s, out CreateTargetRequest r)
    {
        r = default;
        var code = Body(ref s, CreateTargetSize);
        if (code != StatusCode.Ok) return code;
        r = new CreateTargetRequest(
            new TargetId(BinaryPrimitives.ReadUInt64LittleEndian(s)), new ChainId(
                BinaryPrimitives.ReadUInt32LittleEndian(s[8..])),
            BinaryPrimitives.ReadInt32LittleEndian(s[12..]));
        return StatusCode.Ok;
    }

    public static void Write(Span<byte> d, in DiskSpace r)
    {
        BinaryPrimitives.WriteInt64LittleEndian(d, r.DiskIndex);
        BinaryPrimitives.WriteInt64LittleEndian(d[8..], r.CapacityBytes);
        BinaryPrimitives.WriteInt64LittleEndian(d[16..], r.FreeBytes);
        BinaryPrimitives.WriteInt64LittleEndian(d[24..], r.UsedBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(d[32..], r.DeviceId);
    }

    public static DiskSpace ReadDiskSpace(ReadOnlySpan<byte> s) => new(
        (int)BinaryPrimitives.ReadInt64LittleEndian(s), BinaryPrimitives.ReadInt64LittleEndian(s[8..]),
        BinaryPrimitives.ReadInt64LittleEndian(s[16..]), BinaryPrimitives.ReadInt64LittleEndian(s[24..]),
        BinaryPrimitives.ReadUInt64LittleEndian(s[32..]));

    public static void Write(Span<byte> d, in ListTargetsRequest r)
    {
        StorageCodec.WritePreamble(d, 0, 0);
        BinaryPrimitives.WriteUInt64LittleEndian(d[StorageCodec.PreambleSize..], r.After.Value);
    }

    public static StatusCode Read(ReadOnlySpan<byte> s, out ListTargetsRequest r)
    {
        r = default;
        var code = Body(ref s, ListTargetsSize);
        if (code != StatusCode.Ok) return code;
        r = new ListTargetsRequest(new TargetId(BinaryPrimitives.ReadUInt64LittleEndian(s)));
        return StatusCode.Ok;
    }

    public static void Write(Span<byte> d, in StepDownRequest r)
    {
        StorageCodec.WritePreamble(d, 0, 0);
        d = d[StorageCodec.PreambleSize..];
        BinaryPrimitives.WriteUInt64LittleEndian(d, r.Target.Value);
        StorageCodec.Put(d[8..], r.Chain);
    }

    public static StatusCode Read(ReadOnlySpan<byte> s, out StepDownRequest r)
    {
        r = default;
        var code = Body(ref s, StepDownSize);
        if (code != StatusCode.Ok) return code;
        r = new StepDownRequest(new TargetId(BinaryPrimitives.ReadUInt64LittleEndian(s)), StorageCodec.GetChain(s[8..]));
        return StatusCode.Ok;
    }

    public static void Write(Span<byte> d, in DestroyTargetRequest r)
    {
        StorageCodec.WritePreamble(d, 0, 0);
        d = d[StorageCodec.PreambleSize..];
        BinaryPrimitives.WriteUInt64LittleEndian(d, r.Target.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(d[8..], r.Routing.Value);
    }

    public static StatusCode Read(ReadOnlySpan<byte> s, out DestroyTargetRequest r)
    {
        r = default;
        var code = Body(ref s, DestroyTargetSize);
        if (code != StatusCode.Ok) return code;
        r = new DestroyTargetRequest(
            new TargetId(BinaryPrimitives.ReadUInt64LittleEndian(s)),
            new RoutingVersion(BinaryPrimitives.ReadUInt64LittleEndian(s[8..])));
        return StatusCode.Ok;
    }

    public static void Write(Span<byte> d, in TargetReport r)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(d, r.Target.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(d[8..], r.Chain.Value);
        BinaryPrimitives.WriteInt32LittleEndian(d[12..], r.DiskIndex);
        BinaryPrimitives.WriteInt64LittleEndian(d[16..], r.Chunks);
        BinaryPrimitives.WriteInt64LittleEndian(d[24..], r.UsedBytes);
        BinaryPrimitives.WriteUInt64LittleEndian(d[32..], r.Resync.Successor.Value);
        BinaryPrimitives.WriteInt64LittleEndian(d[40..], r.Resync.IsRunning ? 1 : 0);
        BinaryPrimitives.WriteInt64LittleEndian(d[48..], r.Resync.ComparedChunks);
        BinaryPrimitives.WriteInt64LittleEndian(d[56..], r.Resync.TotalChunks);
        BinaryPrimitives.WriteInt64LittleEndian(d[64..], r.Resync.SentChunks);
        BinaryPrimitives.WriteInt64LittleEndian(d[72..], r.Resync.SentBytes);
        BinaryPrimitives.WriteInt64LittleEndian(d[80..], r.Resync.Elapsed.Ticks);
    }

    public static TargetReport ReadTargetReport(ReadOnlySpan<byte> s) => new(
        new TargetId(BinaryPrimitives.ReadUInt64LittleEndian(s)), new ChainId(BinaryPrimitives.ReadUInt32LittleEndian(s[8..])),
        BinaryPrimitives.ReadInt32LittleEndian(s[12..]), BinaryPrimitives.ReadInt64LittleEndian(s[16..]),
        BinaryPrimitives.ReadInt64LittleEndian(s[24..]),
        new ResyncReport(
            new TargetId(BinaryPrimitives.ReadUInt64LittleEndian(s[32..])), BinaryPrimitives.ReadInt64LittleEndian(s[40..]) != 0,
            BinaryPrimitives.ReadInt64LittleEndian(s[48..]), BinaryPrimitives.ReadInt64LittleEndian(s[56..]),
            BinaryPrimitives.ReadInt64LittleEndian(s[64..]), BinaryPrimitives.ReadInt64LittleEndian(s[72..]),
            new TimeSpan(BinaryPrimitives.ReadInt64LittleEndian(s[80..]))));

    public static void WriteFlushPreamble(Span<byte> d, int count) => StorageCodec.WritePreamble(d, 0, (ushort)count);

    /// <summary>Checks version, count and length; the chains follow the preamble, read each with
    /// <see cref="StorageCodec.GetChain"/>. </summary>
    public static StatusCode ReadFlushPreamble(ReadOnlySpan<byte> s, out int count)
    {
        var code = StorageCodec.ReadPreamble(s, out _, out var wide);
        count = wide;
        if (code != StatusCode.Ok) return code;
        return count is > 0 and <= MaxFlushChains && s.Length == FlushRequestSize(count) ? StatusCode.Ok
            : StatusCode.InvalidArgument;
    }

    public static void Write(Span<byte> d, in FlushResult r)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(d, (ushort)r.Code);
        BinaryPrimitives.WriteUInt16LittleEndian(d[2..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(d[4..], r.ChainVersion.Value);
    }

    public static FlushResult ReadFlushResult(ReadOnlySpan<byte> s) => new(
        (StatusCode)BinaryPrimitives.ReadUInt16LittleEndian(s), new ChainVersion(
            BinaryPrimitives.ReadUInt32LittleEndian(s[4..])));

    private static StatusCode Body(ref ReadOnlySpan<byte> s, int size)
    {
        var code = StorageCodec.ReadPreamble(s, out _, out _);
        if (code != StatusCode.Ok) return code;
        if (s.Length != size) return StatusCode.InvalidArgument;
        s = s[StorageCodec.PreambleSize..];
        return StatusCode.Ok;
    }
}
