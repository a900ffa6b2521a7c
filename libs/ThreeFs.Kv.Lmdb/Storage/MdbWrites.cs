using ThreeFs.Base;
using ThreeFs.Kv.Buffering;
using ThreeFs.Kv.Lmdb.Native;

namespace ThreeFs.Kv.Lmdb.Storage;

/// <summary>
/// Applies buffered writes inside an LMDB write transaction. Return values are LMDB's codes; after one that is not 0
/// the LMDB transaction must be aborted.
/// </summary>
internal static unsafe class MdbWrites
{
    /// <summary>
    /// Applies a whole transaction; keys made from its stamp are added to <paramref name="written"/>.
    /// </summary>
    public static int Apply(nint txn, uint dbi, WriteBuffer buffer, Versionstamp stamp, RangeSet written)
    {
        foreach (var cleared in buffer.Cleared.Intervals)
            if (ClearRange(txn, dbi, cleared.Begin, cleared.End) is var code && code != 0) return code;
        for (var at = buffer.Writes.AtOrAfter(default); buffer.Writes.IsValid(at); at = buffer.Writes.Next(at))
            if (Apply(txn, dbi, buffer.Writes.KeyAt(at), buffer.Writes.ValueAt(at), stamp) is var code && code != 0)
                return code;
        foreach (var stamped in buffer.StampedKeys)
        {
            var key = CommitPlan.Stamped(stamped.Key, stamped.Offset, stamp);
            written.AddKey(key);
            if (Put(txn, dbi, key, stamped.Value) is var code && code != 0) return code;
        }

        return 0;
    }

    public static int PutRow(nint txn, uint dbi, ReadOnlySpan<byte> rowKey, ReadOnlySpan<byte> value, uint flags = 0)
    {
        fixed (byte* keyBytes = rowKey)
        fixed (byte* valueBytes = value)
        {
            var key = new MdbVal(keyBytes, rowKey.Length);
            var data = new MdbVal(valueBytes, value.Length);
            return Mdb.Put(txn, dbi, &key, &data, flags);
        }
    }

    public static int DeleteRow(nint txn, uint dbi, ReadOnlySpan<byte> rowKey)
    {
        fixed (byte* keyBytes = rowKey)
        {
            var key = new MdbVal(keyBytes, rowKey.Length);
            var code = Mdb.Del(txn, dbi, &key, null);
            return code == Mdb.NotFound ? 0 : code;
        }
    }

    private static int Apply(nint txn, uint dbi, byte[] key, PendingWrite write, Versionstamp stamp)
    {
        switch (write.Kind)
        {
            case WriteKind.Set:
                return Put(txn, dbi, key, write.Value!);
            case WriteKind.Clear:
                return Delete(txn, dbi, key);
            case WriteKind.StampedSet:
                return Put(txn, dbi, key, CommitPlan.Stamped(write.Value!, write.StampOffset, stamp));
            case WriteKind.Mutate:
                var code = MdbReads.Find(txn, dbi, key, out var current);
                if (code != 0 && code != Mdb.NotFound) return code;
                return Put(txn, dbi, key, write.ApplyTo(code == 0, current)!);
            default:
                throw Invariant.Unreachable("every kind of write is handled");
        }
    }

    private static int Put(nint txn, uint dbi, ReadOnlySpan<byte> key, byte[] value) =>
        StoredKeys.IsLong(key) ? ChangeBucket(txn, dbi, key, value) : PutRow(txn, dbi, key, value);

    private static int Delete(nint txn, uint dbi, ReadOnlySpan<byte> key) =>
        StoredKeys.IsLong(key) ? ChangeBucket(txn, dbi, key, null) : DeleteRow(txn, dbi, key);

    private static int ChangeBucket(nint txn, uint dbi, ReadOnlySpan<byte> key, byte[]? value)
    {
        var row = StoredKeys.BucketOf(key, stackalloc byte[StoredKeys.MaxRowKey]);
        var code = MdbReads.FindRow(txn, dbi, row, out var bucket);
        if (code != 0 && code != Mdb.NotFound) return code;
        var changed = LongKeyBucket.With(bucket, LongKeyBucket.SuffixOf(key), value);
        return changed.Length == 0 ? DeleteRow(txn, dbi, row) : PutRow(txn, dbi, row, changed);
    }

    private static int ClearRange(nint txn, uint dbi, ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end)
    {
        var code = Mdb.CursorOpen(txn, dbi, out var cursor);
        if (code != 0) return code;
        code = ClearRange(cursor, begin, end, out var buckets);
        Mdb.CursorClose(cursor);
        foreach (var bucket in buckets)
            if (code == 0) code = ClearInBucket(txn, dbi, bucket, begin, end);
        return code == Mdb.NotFound ? 0 : code;
    }

    /// <summary>Deletes plain rows; buckets may lie half inside and are handed back.</summary>
    private static int ClearRange(
        nint cursor,
        ReadOnlySpan<byte> begin,
        ReadOnlySpan<byte> end,
        out List<byte[]> buckets)
    {
        buckets = [];
        MdbVal key, value;
        var code = MdbReads.SeekFirst(cursor, begin, &key, &value);
        while (code == 0)
        {
            if (StoredKeys.IsBucket(key.Span))
            {
                if (key.Span[..StoredKeys.MaxPlain].SequenceCompareTo(end) >= 0) return 0;
                buckets.Add(key.Span.ToArray());
                code = Mdb.CursorGet(cursor, &key, &value, Mdb.CursorNext);
                continue;
            }

            if (key.Span.SequenceCompareTo(end) >= 0) return 0;
            code = Mdb.CursorDel(cursor, 0);

            // After a deletion LMDB's next is what took the deleted row's place.
            if (code == 0) code = Mdb.CursorGet(cursor, &key, &value, Mdb.CursorNext);
        }

        return code == Mdb.NotFound ? 0 : code;
    }

    private static int ClearInBucket(nint txn, uint dbi, byte[] row, ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end)
    {
        var code = MdbReads.FindRow(txn, dbi, row, out var bucket);
        if (code != 0) return code;
        var kept = bucket.ToArray();
        while (LongKeyBucket.Next(ref bucket, out var suffix, out _))
        {
            byte[] key = [.. row.AsSpan(0, StoredKeys.MaxPlain), .. suffix];
            if (key.AsSpan().SequenceCompareTo(begin) >= 0 && key.AsSpan().SequenceCompareTo(end) < 0)
                kept = LongKeyBucket.With(kept, suffix, null);
        }

        return kept.Length == 0 ? DeleteRow(txn, dbi, row) : PutRow(txn, dbi, row, kept);
    }
}
