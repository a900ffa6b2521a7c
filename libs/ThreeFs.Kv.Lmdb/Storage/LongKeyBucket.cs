using System.Buffers.Binary;

namespace ThreeFs.Kv.Lmdb.Storage;

/// <summary>
/// The value of a bucket row: entries in the order of their suffixes (what follows the shared 510 bytes), each
/// suffix length u16, value length u32, suffix, value. Rare: names and ids make keys of less than 300 bytes.
/// </summary>
internal static class LongKeyBucket
{
    private const int HeaderBytes = 6;

    public static ReadOnlySpan<byte> SuffixOf(ReadOnlySpan<byte> key) => key[StoredKeys.MaxPlain..];

    /// <summary>
    /// Takes the first entry off <paramref name="bucket"/>; false at the end or where the bytes make no sense.
    /// </summary>
    public static bool Next(
        scoped ref ReadOnlySpan<byte> bucket,
        out ReadOnlySpan<byte> suffix,
        out ReadOnlySpan<byte> value)
    {
        suffix = value = default;
        if (bucket.Length < HeaderBytes) return false;
        var suffixLength = BinaryPrimitives.ReadUInt16LittleEndian(bucket);
        var valueLength = BinaryPrimitives.ReadUInt32LittleEndian(bucket[2..]);
        if (valueLength > KvLimits.MaxValueBytes || bucket.Length < HeaderBytes + suffixLength + (int)valueLength)
            return false;
        suffix = bucket.Slice(HeaderBytes, suffixLength);
        value = bucket.Slice(HeaderBytes + suffixLength, (int)valueLength);
        bucket = bucket[(HeaderBytes + suffixLength + (int)valueLength)..];
        return true;
    }

    public static bool TryGet(ReadOnlySpan<byte> bucket, scoped ReadOnlySpan<byte> wanted, out ReadOnlySpan<byte> value)
    {
        while (Next(ref bucket, out var suffix, out value))
            if (suffix.SequenceEqual(wanted)) return true;
        return false;
    }

    /// <summary>The bucket with one entry set, or removed when <paramref name="value"/> is null.</summary>
    public static byte[] With(ReadOnlySpan<byte> bucket, ReadOnlySpan<byte> wanted, byte[]? value)
    {
        var result = new List<byte>(bucket.Length + wanted.Length + (value?.Length ?? 0) + HeaderBytes);
        var pending = value;
        while (Next(ref bucket, out var suffix, out var current))
        {
            var order = suffix.SequenceCompareTo(wanted);
            if (order >= 0 && pending is not null)
            {
                Append(result, wanted, pending);
                pending = null;
            }

            if (order != 0) Append(result, suffix, current);
        }

        if (pending is not null) Append(result, wanted, pending);
        return [.. result];
    }

    private static void Append(List<byte> bucket, ReadOnlySpan<byte> suffix, ReadOnlySpan<byte> value)
    {
        Span<byte> header = stackalloc byte[HeaderBytes];
        BinaryPrimitives.WriteUInt16LittleEndian(header, (ushort)suffix.Length);
        BinaryPrimitives.WriteUInt32LittleEndian(header[2..], (uint)value.Length);
        bucket.AddRange(header);
        bucket.AddRange(suffix);
        bucket.AddRange(value);
    }
}
