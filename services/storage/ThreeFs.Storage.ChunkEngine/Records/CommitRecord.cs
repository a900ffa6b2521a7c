using System.Buffers.Binary;
using ThreeFs.Base;

namespace ThreeFs.Storage.ChunkEngine.Records;

/// <summary>All updates of a chunk up to <paramref name="Sequence"/> are committed, the last one with this chain version.</summary>
internal readonly record struct CommitRecord(ulong Sequence, ChainVersion Chain)
{
    public const byte Version = 1;
    public const int Size = 16;

    public void WriteTo(Span<byte> d)
    {
        d[..Size].Clear();
        d[0] = Version;
        BinaryPrimitives.WriteUInt32LittleEndian(d[4..], Chain.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(d[8..], Sequence);
    }

    public static Result<CommitRecord> Read(ReadOnlySpan<byte> key, ReadOnlySpan<byte> s)
    {
        if (s.IsEmpty) return RecordErrors.Malformed("commit", key, "it is empty");
        if (s[0] != Version) return RecordErrors.UnknownVersion("commit", s[0], Version);
        if (s.Length != Size || key.Length != 1 + ChunkId.Size) return RecordErrors.Malformed("commit", key, "its size is wrong");
        return new CommitRecord(
            BinaryPrimitives.ReadUInt64LittleEndian(s[8..]), new ChainVersion(BinaryPrimitives.ReadUInt32LittleEndian(s[4..])));
    }
}
