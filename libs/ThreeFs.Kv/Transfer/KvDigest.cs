using System.Buffers.Binary;
using ThreeFs.Base;

namespace ThreeFs.Kv.Transfer;

/// <summary>
/// What a store holds, in three numbers: rows, bytes of keys and values, and the CRC-32C over all rows in key order,
/// each as lengths of key and value (32 bits, little-endian), key, value.
/// </summary>
public readonly record struct KvDigest(long Rows, long Bytes, uint Checksum)
{
    public const int LengthsSize = 8;

    public KvDigest With(KvRow row)
    {
        Span<byte> lengths = stackalloc byte[LengthsSize];
        WriteLengths(row, lengths);
        var checksum = Crc32C.Append(Crc32C.Append(Crc32C.Append(Checksum, lengths), row.Key), row.Value);
        return new(Rows + 1, Bytes + row.Key.Length + row.Value.Length, checksum);
    }

    public override string ToString() => $"{Rows} rows, {new ByteSize(Bytes)}, checksum {Checksum:x8}";

    internal static void WriteLengths(KvRow row, Span<byte> destination)
    {
        BinaryPrimitives.WriteInt32LittleEndian(destination, row.Key.Length);
        BinaryPrimitives.WriteInt32LittleEndian(destination[4..], row.Value.Length);
    }
}
