using ThreeFs.Base;
using ThreeFs.Kv.Buffering;
using ThreeFs.Kv.Lmdb.Native;
using ThreeFs.Kv.Lmdb.Storage;

namespace ThreeFs.Kv.Lmdb.Commit;

/// <summary>
/// Cross-process conflict detection. The log in the environment says what each recent version wrote, whoever committed
/// it; this class follows it into <see cref="RecentCommits"/>, appends to it and trims it. Only used inside the LMDB
/// write transaction, so the log and the memory cannot drift apart. Correctness never depends on a clock: a snapshot
/// older than what is known gets TxTooOld by its version; time only decides what to forget.
/// </summary>
internal sealed unsafe class CommitLog(uint dbi, KvVersion version, TimeSpan window)
{
    /// <summary>Versions kept at most, whatever their age.</summary>
    public const int MaxVersions = 200_000;
    private const int MaxTrimmedPerBatch = 16;
    private const long MaxBytesInMemory = 64 << 20;

    private readonly List<byte> _record = [];

    public RecentCommits Recent { get; } = new(version);

    /// <summary>The newest version known here.</summary>
    public KvVersion Version { get; private set; } = version;

    /// <summary>Reads what other processes have committed since this one's last batch.</summary>
    public int CatchUp(nint txn, KvVersion newest)
    {
        if (newest == Version) return 0;
        var code = Mdb.CursorOpen(txn, dbi, out var cursor);
        if (code != 0) return code;
        code = Follow(cursor, newest);
        Mdb.CursorClose(cursor);
        return code;
    }

    public void StartBatch(long utcMilliseconds) => CommitLogRecord.Start(_record, utcMilliseconds);

    /// <summary>
    /// Remembers what one transaction of the batch wrote; later ones of the same batch are checked against it.
    /// </summary>
    public void Add(KvVersion batch, RangeSet written, long utcMilliseconds)
    {
        Recent.Add(batch, written.Intervals.ToArray(), utcMilliseconds);
        CommitLogRecord.Append(_record, written.Intervals);
    }

    /// <summary>Writes the batch's row and the new version.</summary>
    public int FinishBatch(nint txn, KvVersion batch, long utcMilliseconds)
    {
        Span<byte> key = stackalloc byte[StoredKeys.LogKeyBytes];
        StoredKeys.WriteLogKey(key, batch);
        var record = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_record);
        var code = MdbWrites.PutRow(txn, dbi, key, record, Mdb.Append);
        if (code == 0) code = MdbWrites.PutRow(txn, dbi, StoredKeys.Version, key[2..]);
        return code == 0 ? Trim(txn, batch, utcMilliseconds) : code;
    }

    public void BatchCommitted(KvVersion batch, long utcMilliseconds)
    {
        Version = batch;
        var before = utcMilliseconds - (long)window.TotalMilliseconds;
        while (Recent.Count > 0
            && (Recent.Bytes > MaxBytesInMemory || Recent.Count > MaxVersions || Recent.Oldest.Timestamp < before))
            Recent.RemoveOldest();
    }

    public void BatchAborted(KvVersion batch) => Recent.RemoveNewest(batch);

    private int Follow(nint cursor, KvVersion newest)
    {
        Span<byte> from = stackalloc byte[StoredKeys.LogKeyBytes];
        StoredKeys.WriteLogKey(from, new KvVersion(Version.Value + 1));
        MdbVal key, value;
        var code = MdbReads.SeekAtOrAfter(cursor, from, &key, &value);
        var expected = Version.Value + 1;
        while (code == 0 && IsLogKey(key.Span))
        {
            var version = StoredKeys.ReadLogKey(key.Span);

            // A gap: this process slept longer than the log reaches back.
            if (version.Value != expected) Recent.ForgetAll(new KvVersion(version.Value - 1));
            if (CommitLogRecord.ReadWrites(value.Span) is not { } writes) return Mdb.Corrupted;
            Recent.Add(version, writes, CommitLogRecord.ReadTime(value.Span)!.Value);
            expected = version.Value + 1;
            code = Mdb.CursorGet(cursor, &key, &value, Mdb.CursorNext);
        }

        if (code != 0 && code != Mdb.NotFound) return code;
        if (expected != newest.Value + 1) Recent.ForgetAll(newest);
        Version = newest;
        return 0;
    }

    /// <summary>
    /// Deletes a few of the oldest rows; more than a batch adds, so the log shrinks to its window again after a burst.
    /// </summary>
    private int Trim(nint txn, KvVersion batch, long utcMilliseconds)
    {
        var code = Mdb.CursorOpen(txn, dbi, out var cursor);
        if (code != 0) return code;
        code = DeleteOldest(cursor, batch, utcMilliseconds - (long)window.TotalMilliseconds);
        Mdb.CursorClose(cursor);
        return code == Mdb.NotFound ? 0 : code;
    }

    private static int DeleteOldest(nint cursor, KvVersion batch, long before)
    {
        MdbVal key, value;
        var code = MdbReads.SeekAtOrAfter(cursor, StoredKeys.LogPrefix, &key, &value);
        for (var i = 0; i < MaxTrimmedPerBatch && code == 0 && IsLogKey(key.Span); i++)
        {
            var version = StoredKeys.ReadLogKey(key.Span);
            var keep = CommitLogRecord.ReadTime(value.Span) >= before && version.Value > batch.Value - MaxVersions;
            if (keep || version == batch) return 0;
            code = Mdb.CursorDel(cursor, 0);
            if (code == 0) code = Mdb.CursorGet(cursor, &key, &value, Mdb.CursorNext);
        }

        return code;
    }

    private static bool IsLogKey(ReadOnlySpan<byte> key) =>
        key.Length == StoredKeys.LogKeyBytes && key.StartsWith(StoredKeys.LogPrefix);
}
