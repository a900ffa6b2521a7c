using ThreeFs.Base;

namespace ThreeFs.Kv.Buffering;

/// <summary>
/// What the recent commits wrote, oldest first: the other half of conflict detection. A transaction that read at
/// version r conflicts when a commit with a version above r wrote something it read. Commits that left are forgotten up
/// to <see cref="Floor"/>; transactions that read below it are TxTooOld, because nobody can tell any more. Cost of a
/// check: the writes since r, times the logarithm of the read set. Not thread-safe.
/// </summary>
internal sealed class RecentCommits(KvVersion floor)
{
    private Commit[] _ring = new Commit[64];
    private int _head;

    /// <summary>Every commit above this version is here.</summary>
    public KvVersion Floor { get; private set; } = floor;

    public int Count { get; private set; }

    public long Bytes { get; private set; }

    public ref readonly Commit Oldest => ref _ring[_head];

    /// <summary>Versions do not fall; several commits may share one (a batch).</summary>
    public void Add(KvVersion version, RangeSet.Interval[] writes, long timestamp)
    {
        Invariant.Check(version >= (Count == 0 ? Floor : At(Count - 1).Version), "commits are added in version order");
        if (Count == _ring.Length) Grow();
        var bytes = 0L;
        foreach (var write in writes) bytes += write.BeginLength + write.End.Length;
        _ring[(_head + Count) & (_ring.Length - 1)] = new Commit(version, writes, timestamp, bytes);
        Count++;
        Bytes += bytes;
    }

    public void RemoveOldest()
    {
        ref var oldest = ref _ring[_head];
        Floor = oldest.Version;
        Bytes -= oldest.Bytes;
        oldest = default;
        _head = (_head + 1) & (_ring.Length - 1);
        Count--;
    }

    /// <summary>Takes back what was added for a version whose commit failed.</summary>
    public void RemoveNewest(KvVersion version)
    {
        while (Count > 0 && At(Count - 1).Version == version)
        {
            Bytes -= At(Count - 1).Bytes;
            At(Count - 1) = default;
            Count--;
        }
    }

    /// <summary>
    /// Commits are missing between the newest one here and <paramref name="version"/>: nothing below it can be judged.
    /// </summary>
    public void ForgetAll(KvVersion version)
    {
        while (Count > 0) RemoveOldest();
        Floor = version;
    }

    public Status Check(KvVersion readVersion, RangeSet reads)
    {
        if (readVersion < Floor) return ReadErrors.TooOld;
        if (reads.Count == 0) return Status.Ok;
        for (var i = Count - 1; i >= 0; i--)
        {
            ref readonly var commit = ref At(i);
            if (commit.Version <= readVersion) break;
            foreach (var write in commit.Writes)
                if (reads.Intersects(write.Begin, write.End)) return Conflict(write);
        }

        return Status.Ok;
    }

    private static Status Conflict(RangeSet.Interval write) =>
        new(StatusCode.TxConflict, $"{KvKeys.Describe(write.Begin)} was written since it was read");

    private ref Commit At(int index) => ref _ring[(_head + index) & (_ring.Length - 1)];

    private void Grow()
    {
        var ring = new Commit[_ring.Length * 2];
        for (var i = 0; i < Count; i++) ring[i] = At(i);
        _ring = ring;
        _head = 0;
    }

    internal readonly record struct Commit(KvVersion Version, RangeSet.Interval[] Writes, long Timestamp, long Bytes);
}
