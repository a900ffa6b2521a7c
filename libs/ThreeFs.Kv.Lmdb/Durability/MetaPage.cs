using System.Buffers.Binary;
using Microsoft.Win32.SafeHandles;
using ThreeFs.Base;

namespace ThreeFs.Kv.Lmdb.Durability;

/// <summary>
/// LMDB's meta page, of which there are two (pages 0 and 1); transaction n writes page n mod 2 and the larger one is
/// valid. Offsets of data version 1 on 64 bit:
/// <code>
///   0 page number u64 · 8 pad u16 · 10 flags u16 (8: meta) · 12 bounds u32
///  16 magic u32 · 20 version u32 · 24 address · 32 map size
///  40 free-list database, 48 bytes (its first field, u32: page size) · 88 main database, 48 bytes
/// 136 last page u64 · 144 transaction u64
/// </code>
/// </summary>
internal static class MetaPage
{
    public const int Bytes = 152;
    private const uint Magic = 0xBEEFC0DE;
    private const uint DataVersion = 1;
    private const ushort MetaFlag = 8;

    public static bool IsValid(ReadOnlySpan<byte> meta) =>
        meta.Length == Bytes
        && (BinaryPrimitives.ReadUInt16LittleEndian(meta[10..]) & MetaFlag) != 0
        && BinaryPrimitives.ReadUInt32LittleEndian(meta[16..]) == Magic
        && BinaryPrimitives.ReadUInt32LittleEndian(meta[20..]) == DataVersion
        && PageSize(meta) is >= 512 and <= 65536;

    public static int PageSize(ReadOnlySpan<byte> meta) => BinaryPrimitives.ReadInt32LittleEndian(meta[40..]);

    public static long LastPage(ReadOnlySpan<byte> meta) => BinaryPrimitives.ReadInt64LittleEndian(meta[136..]);

    public static long TransactionId(ReadOnlySpan<byte> meta) => BinaryPrimitives.ReadInt64LittleEndian(meta[144..]);

    /// <summary>
    /// The meta page of <paramref name="transaction"/>. The caller holds the write lock and has seen that it is the
    /// newest one, so nobody is writing it.
    /// </summary>
    public static Result<byte[]> Read(SafeFileHandle data, int pageSize, long transaction, string path)
    {
        var meta = ReadAt(data, (transaction & 1) * pageSize, path);
        if (!meta.IsOk || TransactionId(meta.Value) == transaction) return meta;
        return new Status(
            StatusCode.Corruption,
            $"{path}: the meta page of transaction {transaction} is not where LMDB writes it");
    }

    /// <summary>Page 0, which says how large a page is.</summary>
    public static Result<byte[]> ReadFirst(SafeFileHandle data, string path) => ReadAt(data, 0, path);

    private static Result<byte[]> ReadAt(SafeFileHandle data, long offset, string path)
    {
        var meta = new byte[Bytes];
        try
        {
            if (RandomAccess.Read(data, meta, offset) == Bytes && IsValid(meta)) return meta;
        }
        catch (IOException e)
        {
            return new Status(StatusCode.IoError, $"{path}: {e.Message}");
        }

        return new Status(StatusCode.Corruption, $"{path}: no meta page of LMDB at {offset}");
    }

    /// <summary>
    /// Makes <paramref name="meta"/> the valid one, whatever both pages hold: LMDB takes page 0 when they are equal and
    /// writes the next transaction where it belongs. Doing it twice is the same as once.
    /// </summary>
    public static Status Restore(SafeFileHandle data, ReadOnlySpan<byte> meta, string path)
    {
        var pageSize = PageSize(meta);
        if (RandomAccess.GetLength(data) < (LastPage(meta) + 1) * pageSize)
            return new Status(
                StatusCode.Corruption,
                $"{path}: the file is shorter than at its last flush; it was cut or copied incompletely");
        var copy = meta.ToArray();
        for (var page = 0; page < 2; page++)
        {
            BinaryPrimitives.WriteInt64LittleEndian(copy, page);
            RandomAccess.Write(data, copy, (long)page * pageSize);
        }

        return Status.Ok;
    }
}
