using System.Buffers.Binary;
using ThreeFs.Base;

namespace ThreeFs.Kv.Lmdb.Durability;

/// <summary>
/// One steady point: everything transaction <see cref="TransactionId"/> can reach is on stable storage, and no page of
/// it is written again before a newer steady point is. Stored as magic, format version u8, sequence u64, boot 16 bytes,
/// meta page, CRC32C.
/// </summary>
internal sealed record SteadyRecord(ulong Sequence, Guid BootId, byte[] Meta)
{
    public const int Bytes = 8 + 1 + 8 + 16 + MetaPage.Bytes + 4;
    public const byte FormatVersion = 1;
    private const int CrcAt = Bytes - 4;

    /// <summary>
    /// The boot of no machine: a flush has failed, what came after this point must not be trusted by anybody.
    /// </summary>
    public static readonly Guid Lost = Guid.Empty;

    private static ReadOnlySpan<byte> Magic => "3FSTEADY"u8;

    public long TransactionId => MetaPage.TransactionId(Meta);

    public byte[] Encode()
    {
        var bytes = new byte[Bytes];
        Magic.CopyTo(bytes);
        bytes[8] = FormatVersion;
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(9), Sequence);
        BootId.TryWriteBytes(bytes.AsSpan(17));
        Meta.CopyTo(bytes, 33);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(CrcAt), Crc32C.Compute(bytes.AsSpan(0, CrcAt)));
        return bytes;
    }

    /// <summary>
    /// Ok with null: no record here (never written, or torn by a power failure, or being written right now).
    /// </summary>
    public static Result<SteadyRecord?> Decode(ReadOnlySpan<byte> bytes, string path)
    {
        if (bytes.Length < Bytes || !bytes.StartsWith(Magic)) return (SteadyRecord?)null;
        if (BinaryPrimitives.ReadUInt32LittleEndian(bytes[CrcAt..]) != Crc32C.Compute(bytes[..CrcAt]))
            return (SteadyRecord?)null;
        if (bytes[8] != FormatVersion)
            return new Status(
                StatusCode.UnknownFormatVersion,
                $"{path}: format {bytes[8]}, this build knows {FormatVersion}");
        var meta = bytes.Slice(33, MetaPage.Bytes);
        return MetaPage.IsValid(meta)
            ? new SteadyRecord(
                BinaryPrimitives.ReadUInt64LittleEndian(bytes[9..]),
                new Guid(bytes.Slice(17, 16)),
                meta.ToArray())
            : new Status(StatusCode.Corruption, $"{path}: the saved meta page makes no sense");
    }
}
