using System.Buffers;
using ThreeFs.Kv.Buffering;
using ThreeFs.Kv.Lmdb.Native;

namespace ThreeFs.Kv.Lmdb.Storage;

/// <summary>
/// Reads of user rows in an open LMDB transaction, long keys included. Return values are LMDB's codes.
/// </summary>
internal static unsafe class MdbReads
{
    /// <summary>
    /// Finds the value in LMDB's own memory: valid until the transaction ends or, in a write transaction, changes
    /// anything.
    /// </summary>
    public static int Find(nint txn, uint dbi, scoped ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        if (!StoredKeys.IsLong(key)) return FindRow(txn, dbi, key, out value);
        var code = FindRow(txn, dbi, StoredKeys.BucketOf(key, stackalloc byte[StoredKeys.MaxRowKey]), out var bucket);
        if (code == 0 && LongKeyBucket.TryGet(bucket, LongKeyBucket.SuffixOf(key), out value)) return 0;
        value = default;
        return code == 0 ? Mdb.NotFound : code;
    }

    public static int FindRow(nint txn, uint dbi, scoped ReadOnlySpan<byte> rowKey, out ReadOnlySpan<byte> value)
    {
        fixed (byte* bytes = rowKey)
        {
            var wanted = new MdbVal(bytes, rowKey.Length);
            MdbVal found;
            var code = Mdb.Get(txn, dbi, &wanted, &found);
            value = code == 0 ? found.Span : default;
            return code;
        }
    }

    /// <summary>Offers the rows of [begin, end) in the direction of the read until the merger wants no more.</summary>
    public static int Scan(
        nint cursor,
        ReadOnlySpan<byte> begin,
        ReadOnlySpan<byte> end,
        bool reverse,
        RangeMerger rows)
    {
        if (begin.SequenceCompareTo(end) >= 0) return 0;
        MdbVal key, value;
        var code = reverse ? SeekLast(cursor, end, &key, &value) : SeekFirst(cursor, begin, &key, &value);
        while (code == 0)
        {
            if (StoredKeys.IsBucket(key.Span))
            {
                if (!OfferBucket(key.Span, value.Span, begin, end, reverse, rows, out var outside) || outside) return 0;
            }
            else
            {
                if (reverse ? key.Span.SequenceCompareTo(begin) < 0 : key.Span.SequenceCompareTo(end) >= 0) return 0;
                if (!rows.Offer(key.Span, value.Span)) return 0;
            }

            code = Mdb.CursorGet(cursor, &key, &value, reverse ? Mdb.CursorPrevious : Mdb.CursorNext);
        }

        return code == Mdb.NotFound ? 0 : code;
    }

    public static int SeekAtOrAfter(nint cursor, ReadOnlySpan<byte> rowKey, MdbVal* key, MdbVal* value)
    {
        if (rowKey.IsEmpty) return Mdb.CursorGet(cursor, key, value, Mdb.CursorFirst);
        fixed (byte* bytes = rowKey)
        {
            *key = new MdbVal(bytes, rowKey.Length);
            return Mdb.CursorGet(cursor, key, value, Mdb.CursorSetRange);
        }
    }

    public static int SeekFirst(nint cursor, ReadOnlySpan<byte> begin, MdbVal* key, MdbVal* value) =>
        StoredKeys.IsLong(begin)
            ? SeekAtOrAfter(cursor, StoredKeys.BucketOf(begin, stackalloc byte[StoredKeys.MaxRowKey]), key, value)
            : SeekAtOrAfter(cursor, begin, key, value);

    /// <summary>
    /// The last row that may hold keys below <paramref name="end"/>; its bucket, when the end is a long key.
    /// </summary>
    private static int SeekLast(nint cursor, ReadOnlySpan<byte> end, MdbVal* key, MdbVal* value)
    {
        Span<byte> buffer = stackalloc byte[StoredKeys.MaxRowKey];
        var isLong = StoredKeys.IsLong(end);
        var row = isLong ? StoredKeys.BucketOf(end, buffer) : end;
        var code = SeekAtOrAfter(cursor, row, key, value);
        if (code == Mdb.NotFound) return Mdb.CursorGet(cursor, key, value, Mdb.CursorLast);
        if (code != 0 || (isLong && key->Span.SequenceEqual(row))) return code;
        return Mdb.CursorGet(cursor, key, value, Mdb.CursorPrevious);
    }

    private static bool OfferBucket(
        ReadOnlySpan<byte> rowKey,
        ReadOnlySpan<byte> bucket,
        ReadOnlySpan<byte> begin,
        ReadOnlySpan<byte> end,
        bool reverse,
        RangeMerger rows,
        out bool outside)
    {
        var entries = new List<KvRow>();
        outside = false;
        while (LongKeyBucket.Next(ref bucket, out var suffix, out var value))
        {
            byte[] key = [.. rowKey[..StoredKeys.MaxPlain], .. suffix];
            var tooSmall = key.AsSpan().SequenceCompareTo(begin) < 0;
            var tooLarge = key.AsSpan().SequenceCompareTo(end) >= 0;
            outside |= reverse ? tooSmall : tooLarge;
            if (!tooSmall && !tooLarge) entries.Add(new KvRow(key, value.ToArray()));
        }

        if (reverse) entries.Reverse();
        foreach (var entry in entries)
            if (!rows.Offer(entry.Key, entry.Value)) return false;
        return true;
    }
}
