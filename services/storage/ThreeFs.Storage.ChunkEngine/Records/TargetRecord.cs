using System.Buffers.Binary;
using ThreeFs.Base;

namespace ThreeFs.Storage.ChunkEngine.Records;

/// <summary>The target itself. A newer version than this build's is refused: the directory belongs to a newer program.</summary>
internal readonly record struct TargetRecord(TargetIdentity Identity, ulong OpenEpoch, bool IsClean, Guid BootId)
{
    public const byte Version = 1;
    public const int Size = 40;

    public void WriteTo(Span<byte> d)
    {
        d[..Size].Clear();
        d[0] = Version;
        d[1] = IsClean ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteUInt32LittleEndian(d[4..], Identity.Chain.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(d[8..], Identity.Target.Value);
        BinaryPrimitives.WriteUInt64LittleEndian(d[16..], OpenEpoch);
        BootId.TryWriteBytes(d[24..]);
    }

    public static Result<TargetRecord> Read(ReadOnlySpan<byte> s)
    {
        if (s.IsEmpty) return new Status(StatusCode.Corruption, "the target record is empty");
        if (s[0] != Version) return RecordErrors.UnknownVersion("target", s[0], Version);
        if (s.Length != Size) return new Status(StatusCode.Corruption, $"the target record has {s.Length} bytes, not {Size}");
        return new TargetRecord(
            new TargetIdentity(
                new TargetId(BinaryPrimitives.ReadUInt64LittleEndian(s[8..])),
                new ChainId(BinaryPrimitives.ReadUInt32LittleEndian(s[4..]))),
            BinaryPrimitives.ReadUInt64LittleEndian(s[16..]), s[1] != 0, new Guid(s[24..40]));
    }
}
