using System.Buffers.Binary;
using ThreeFs.Base;

namespace ThreeFs.Contracts.Storage;

/// <summary>
/// Headers of the chunk service on the wire: fixed little-endian structs behind one format byte, written into and read from
/// spans without allocation. Pinned by golden files; a changed layout is a new <see cref="Version"/>.
/// </summary>
/// <remarks>
/// Read request: preamble {version u8, <see cref="ReadFlags"/> u8, count u16, reserved u32}, then <see cref="ReadOpSize"/> bytes an op.
/// Read response: count × <see cref="ReadResultSize"/>. Its payload holds for every op exactly <see cref="ReadOp.Length"/> bytes, so
/// that a receiver can scatter them before it knows the results; bytes behind the chunk's end are zeros, and those of
/// the batch's last op are left out.
/// Every other request is one preamble and one struct.
/// A response with status Ok carries its struct, whose own code tells the outcome (a refused update: with the answering replica's
/// chain version). A response with another status carries no struct: the request was refused before it reached a replica.
/// </remarks>
public static class StorageCodec
{
    public const byte Version = 1;
    public const int PreambleSize = 8;
    public const int ReadOpSize = 32;
    public const int ReadResultSize = 32;
    public const int UpdateRequestSize = PreambleSize + 96;
    public const int UpdateResultSize = 32;
    public const int ChunkMetaSize = 48;
    public const int LastChunkSize = 16;

    /// <summary>Most ops in one read request: bounded by the 64 KiB a header may have.</summary>
    public const int MaxReadOps = 1024;

    public static int ReadRequestSize(int count) => PreambleSize + count * ReadOpSize;

    public static void WriteReadPreamble(Span<byte> d, ReadFlags flags, int count) => WritePreamble(d, (byte)flags, (ushort)count);

    /// <summary>Checks version, count and length of a read request.</summary>
    public static StatusCode ReadReadPreamble(ReadOnlySpan<byte> s, out ReadFlags flags, out int count)
    {
        var code = ReadPreamble(s, out var small, out var wide);
        flags = (ReadFlags)small;
        count = wide;
        if (code != StatusCode.Ok) return code;
        return count is > 0 and <= MaxReadOps && s.Length == ReadRequestSize(count) ? StatusCode.Ok : StatusCode.InvalidArgument;
    }

    public static void Write(Span<byte> d, in ReadOp op)
    {
        Put(d, op.Chain);
        op.Chunk.WriteTo(d[8..]);
        BinaryPrimitives.WriteUInt32LittleEndian(d[24..], op.Offset);
        BinaryPrimitives.WriteUInt32LittleEndian(d[28..], op.Length);
    }

    public static ReadOp ReadReadOp(ReadOnlySpan<byte> s) => new(
        GetChain(s), ChunkId.ReadFrom(s[8..]),
        BinaryPrimitives.ReadUInt32LittleEndian(s[24..]), BinaryPrimitives.ReadUInt32LittleEndian(s[28..]));

    public static void Write(Span<byte> d, in ReadResult r)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(d, (ushort)r.Code);
        BinaryPrimitives.WriteUInt16LittleEndian(d[2..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(d[4..], r.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(d[8..], r.Crc);
        BinaryPrimitives.WriteUInt32LittleEndian(d[12..], r.ChunkLength);
        BinaryPrimitives.WriteUInt64LittleEndian(d[16..], r.Update.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(d[24..], r.Commit.Value);
    }

    public static ReadResult ReadReadResult(ReadOnlySpan<byte> s) => new(
        (StatusCode)BinaryPrimitives.ReadUInt16LittleEndian(s),
        BinaryPrimitives.ReadUInt32LittleEndian(s[4..]), BinaryPrimitives.ReadUInt32LittleEndian(s[8..]),
        BinaryPrimitives.ReadUInt32LittleEndian(s[12..]),
        new UpdateVersion(BinaryPrimitives.ReadUInt64LittleEndian(s[16..])),
        new CommitVersion(BinaryPrimitives.ReadUInt64LittleEndian(s[24..])));

    public static void Write(Span<byte> d, in UpdateRequest r)
    {
        WritePreamble(d, (byte)r.Kind, 0);
        d = d[PreambleSize..];
        Put(d, r.Chain);
        r.Chunk.WriteTo(d[8..]);
        BinaryPrimitives.WriteUInt32LittleEndian(d[24..], r.Offset);
        BinaryPrimitives.WriteUInt32LittleEndian(d[28..], r.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(d[32..], r.ChunkSize);
        BinaryPrimitives.WriteUInt32LittleEndian(d[36..], r.Crc);
        r.Tag.Client.Value.TryWriteBytes(d[40..]);
        BinaryPrimitives.WriteUInt64LittleEndian(d[56..], r.Tag.Sequence);
        BinaryPrimitives.WriteUInt64LittleEndian(d[64..], r.Version.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(d[72..], r.CommittedBase.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(d[80..], r.Tag.Channel.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(d[88..], r.ForwardEpoch);
    }

    public static StatusCode ReadUpdateRequest(ReadOnlySpan<byte> s, out UpdateRequest r)
    {
        r = default;
        var code = ReadPreamble(s, out var kind, out _);
        if (code != StatusCode.Ok) return code;
        if (s.Length != UpdateRequestSize || kind is < (byte)UpdateKind.Write or > (byte)UpdateKind.Extend) return StatusCode.InvalidArgument;
        s = s[PreambleSize..];
        r = new UpdateRequest(
            GetChain(s), ChunkId.ReadFrom(s[8..]), (UpdateKind)kind,
            BinaryPrimitives.ReadUInt32LittleEndian(s[24..]), BinaryPrimitives.ReadUInt32LittleEndian(s[28..]),
            BinaryPrimitives.ReadUInt32LittleEndian(s[32..]), BinaryPrimitives.ReadUInt32LittleEndian(s[36..]),
            new UpdateTag(
                new ClientId(new Guid(s[40..56])),
                new ChannelId((ushort)BinaryPrimitives.ReadUInt64LittleEndian(s[80..])),
                BinaryPrimitives.ReadUInt64LittleEndian(s[56..])),
            new UpdateVersion(BinaryPrimitives.ReadUInt64LittleEndian(s[64..])),
            new CommitVersion(BinaryPrimitives.ReadUInt64LittleEndian(s[72..])),
            BinaryPrimitives.ReadUInt64LittleEndian(s[88..]));
        return StatusCode.Ok;
    }

    public static void Write(Span<byte> d, in UpdateResult r)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(d, (ushort)r.Code);
        BinaryPrimitives.WriteUInt16LittleEndian(d[2..], 0);
        BinaryPrimitives.WriteUInt32LittleEndian(d[4..], r.ChunkLength);
        BinaryPrimitives.WriteUInt32LittleEndian(d[8..], r.Crc);
        BinaryPrimitives.WriteUInt32LittleEndian(d[12..], r.ChainVersion.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(d[16..], r.Update.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(d[24..], r.Commit.Value);
    }

    public static UpdateResult ReadUpdateResult(ReadOnlySpan<byte> s) => new(
        (StatusCode)BinaryPrimitives.ReadUInt16LittleEndian(s),
        new UpdateVersion(BinaryPrimitives.ReadUInt64LittleEndian(s[16..])),
        new CommitVersion(BinaryPrimitives.ReadUInt64LittleEndian(s[24..])),
        BinaryPrimitives.ReadUInt32LittleEndian(s[4..]), BinaryPrimitives.ReadUInt32LittleEndian(s[8..]),
        new ChainVersion(BinaryPrimitives.ReadUInt32LittleEndian(s[12..])));

    public static void Write(Span<byte> d, in ChunkMeta m)
    {
        m.Chunk.WriteTo(d);
        BinaryPrimitives.WriteUInt64LittleEndian(d[16..], m.Update.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(d[24..], m.Commit.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(d[32..], m.ChunkVersionOfChain.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(d[36..], m.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(d[40..], m.Crc);
        BinaryPrimitives.WriteUInt32LittleEndian(d[44..], m.IsPending ? 1u : 0u);
    }

    public static ChunkMeta ReadChunkMeta(ReadOnlySpan<byte> s) => new(
        ChunkId.ReadFrom(s),
        new UpdateVersion(BinaryPrimitives.ReadUInt64LittleEndian(s[16..])),
        new CommitVersion(BinaryPrimitives.ReadUInt64LittleEndian(s[24..])),
        new ChainVersion(BinaryPrimitives.ReadUInt32LittleEndian(s[32..])),
        BinaryPrimitives.ReadUInt32LittleEndian(s[36..]), BinaryPrimitives.ReadUInt32LittleEndian(s[40..]),
        BinaryPrimitives.ReadUInt32LittleEndian(s[44..]) != 0);

    public static void Write(Span<byte> d, in LastChunk l)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(d, (ushort)l.Code);
        BinaryPrimitives.WriteUInt16LittleEndian(d[2..], (ushort)(l.Exists ? 1 : 0));
        BinaryPrimitives.WriteUInt32LittleEndian(d[4..], l.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(d[8..], l.Index);
    }

    public static LastChunk ReadLastChunk(ReadOnlySpan<byte> s) => new(
        (StatusCode)BinaryPrimitives.ReadUInt16LittleEndian(s),
        BinaryPrimitives.ReadUInt16LittleEndian(s[2..]) != 0,
        BinaryPrimitives.ReadUInt64LittleEndian(s[8..]), BinaryPrimitives.ReadUInt32LittleEndian(s[4..]));

    public static void WritePreamble(Span<byte> d, byte small, ushort wide)
    {
        d[0] = Version;
        d[1] = small;
        BinaryPrimitives.WriteUInt16LittleEndian(d[2..], wide);
        BinaryPrimitives.WriteUInt32LittleEndian(d[4..], 0);
    }

    public static StatusCode ReadPreamble(ReadOnlySpan<byte> s, out byte small, out ushort wide)
    {
        small = 0;
        wide = 0;
        if (s.Length < PreambleSize) return StatusCode.InvalidArgument;
        if (s[0] != Version) return StatusCode.UnknownFormatVersion;
        small = s[1];
        wide = BinaryPrimitives.ReadUInt16LittleEndian(s[2..]);
        return StatusCode.Ok;
    }

    public static void Put(Span<byte> d, VersionedChain chain)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(d, chain.Id.Value);
        BinaryPrimitives.WriteUInt32LittleEndian(d[4..], chain.Version.Value);
    }

    public static VersionedChain GetChain(ReadOnlySpan<byte> s) => new(
        new ChainId(BinaryPrimitives.ReadUInt32LittleEndian(s)),
        new ChainVersion(BinaryPrimitives.ReadUInt32LittleEndian(s[4..])));
}
