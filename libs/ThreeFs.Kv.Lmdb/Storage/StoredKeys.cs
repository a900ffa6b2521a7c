using System.Buffers.Binary;

namespace ThreeFs.Kv.Lmdb.Storage;

/// <summary>
/// How keys lie in the one LMDB database. LMDB takes keys of 1 to 511 bytes:
/// <code>
///   user key of 1..510 bytes      itself, first byte below 0xFF
///   longer user keys              those with the same first 510 bytes lie in one row, a bucket, under these and 00;
///                                 it sorts after the 510-byte key and before whatever follows its extensions
///   FF 00                         format version of the environment
///   FF 01                         version of the newest commit, big-endian
///   FF 02 version                 commit log: what the commit with that version wrote
/// </code>
/// </summary>
internal static class StoredKeys
{
    /// <summary>What LMDB must be built with.</summary>
    public const int MaxRowKey = 511;
    public const int MaxPlain = 510;
    public const int LogKeyBytes = 10;

    public static ReadOnlySpan<byte> Format => [0xFF, 0x00];
    public static ReadOnlySpan<byte> Version => [0xFF, 0x01];
    public static ReadOnlySpan<byte> LogPrefix => [0xFF, 0x02];

    public static bool IsLong(ReadOnlySpan<byte> key) => key.Length > MaxPlain;

    /// <summary>Whether an LMDB row is a bucket of long keys.</summary>
    public static bool IsBucket(ReadOnlySpan<byte> rowKey) => rowKey.Length == MaxRowKey;

    /// <summary>The row that holds a long key.</summary>
    public static ReadOnlySpan<byte> BucketOf(ReadOnlySpan<byte> key, Span<byte> buffer)
    {
        key[..MaxPlain].CopyTo(buffer);
        buffer[MaxPlain] = 0;
        return buffer[..MaxRowKey];
    }

    public static void WriteLogKey(Span<byte> buffer, KvVersion version)
    {
        LogPrefix.CopyTo(buffer);
        BinaryPrimitives.WriteInt64BigEndian(buffer[2..], version.Value);
    }

    public static KvVersion ReadLogKey(ReadOnlySpan<byte> key) => new(BinaryPrimitives.ReadInt64BigEndian(key[2..]));
}
