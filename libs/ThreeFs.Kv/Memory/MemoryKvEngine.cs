using ThreeFs.Base;
using ThreeFs.Kv.Buffering;

namespace ThreeFs.Kv;

/// <summary>
/// The whole contract in memory: multi-version rows, serializable commits, limits and ages on the injected clock. For
/// tests and simulation, and a product like the other engines: it passes the same suite.
/// <list type="bullet">
/// <item>Everything completes synchronously on the caller's thread; safe from several threads (one lock).</item>
/// <item>Old versions are kept for <see cref="KvLimits.MaxAge"/> after they were overwritten, and at most for <see
/// cref="MaxRecentCommits"/> commits; older snapshots get TxTooOld.</item>
/// <item>"Stable storage" is this object: it survives its clients, not the process. <see cref="DisposeAsync"/> keeps
/// the content, so several servers of a test may share one engine and stop in any order. With
/// <see cref="CanLosePower"/> relaxed commits become stable by a later flush or durable commit only.</item>
/// <item>Faults are injected by wrapping it: <see cref="FaultyKvEngine"/>.</item>
/// </list>
/// </summary>
public sealed class MemoryKvEngine(TimeProvider time) : IKvEngine
{
    internal const int MaxRecentCommits = 1 << 20;

    private readonly Lock _lock = new();
    private readonly OrderedByteMap<RowHistory> _rows = new();
    private readonly RecentCommits _recent = new(new KvVersion(0));
    private KvVersion _version = new(0);
    private KvVersion _stable = new(0);

    /// <summary>Whether <see cref="LosePower"/> will be called: what it may undo is kept until it is flushed.</summary>
    public bool CanLosePower { get; init; }

    internal KeyRules Rules { get; init; } = KeyRules.Contract;

    /// <summary>Rows with a current value.</summary>
    public int RowCount
    {
        get
        {
            lock (_lock)
            {
                var count = 0;
                for (var at = _rows.AtOrAfter(default); _rows.IsValid(at); at = _rows.Next(at))
                    if (_rows.ValueAt(at).At(_version) is not null) count++;
                return count;
            }
        }
    }

    /// <summary>Commits that are remembered for conflict detection and old snapshots.</summary>
    internal int RecentCount
    {
        get
        {
            lock (_lock) return _recent.Count;
        }
    }

    public IKvTransaction BeginTransaction() => new MemoryKvTransaction(this, readOnly: false);

    public IKvReadTransaction BeginReadOnly() => new MemoryKvTransaction(this, readOnly: true);

    public ValueTask<Status> FlushAsync(CancellationToken ct = default)
    {
        lock (_lock) _stable = _version;
        return new(Status.Ok);
    }

    /// <summary>
    /// Undoes a suffix of the commits since the last flush or durable commit, drawn by <paramref name="random"/>.
    /// Nobody who used the store before may go on.
    /// </summary>
    /// <returns>How many commits are gone.</returns>
    public long LosePower(SeededRandom random)
    {
        Invariant.Check(CanLosePower, "what power loss may undo was kept");
        lock (_lock)
        {
            var lost = (long)random.NextBelow((ulong)(_version.Value - _stable.Value + 1));
            var kept = new KvVersion(_version.Value - lost);
            _stable = _version;
            for (var at = _rows.AtOrAfter(default); _rows.IsValid(at);)
            {
                var key = _rows.KeyAt(at);
                if (_rows.ValueAt(at).Undo(kept))
                {
                    at = _rows.Next(at);
                    continue;
                }

                _rows.RemoveAt(at);
                at = _rows.AtOrAfter(key);
            }

            _recent.ForgetAll(_version);
            return lost;
        }
    }

    public ValueTask DisposeAsync() => default;

    internal KvVersion TakeSnapshot(out long timestamp)
    {
        lock (_lock)
        {
            timestamp = time.GetTimestamp();
            return _version;
        }
    }

    internal Status CheckAge(KvVersion version, long timestamp)
    {
        lock (_lock) return IsTooOld(version, timestamp) ? ReadErrors.TooOld : Status.Ok;
    }

    internal byte[]? Read(KvVersion version, ReadOnlySpan<byte> key)
    {
        lock (_lock) return _rows.TryGet(key, out var history) ? history.At(version)?.AsSpan().ToArray() : null;
    }

    internal void Scan(
        KvVersion version,
        ReadOnlySpan<byte> begin,
        ReadOnlySpan<byte> end,
        bool reverse,
        RangeMerger rows)
    {
        lock (_lock)
        {
            var at = reverse ? _rows.Before(end) : _rows.AtOrAfter(begin);
            while (_rows.IsValid(at))
            {
                var key = _rows.KeyAt(at);
                if (reverse ? key.AsSpan().SequenceCompareTo(begin) < 0 : key.AsSpan().SequenceCompareTo(end) >= 0)
                    return;
                if (_rows.ValueAt(at).At(version) is { } value && !rows.Offer(key, value)) return;
                at = reverse ? _rows.Previous(at) : _rows.Next(at);
            }
        }
    }

    internal Status Commit(
        MemoryKvTransaction transaction, KvVersion? readVersion, long timestamp, KvDurability durability)
    {
        lock (_lock)
        {
            ForgetOldCommits();
            if (readVersion is { } version)
            {
                if (IsTooOld(version, timestamp)) return ReadErrors.TooOld;
                var status = _recent.Check(version, transaction.Reads);
                if (!status.IsOk) return status;
            }

            Apply(transaction);
            if (durability == KvDurability.Durable) _stable = _version;
            return Status.Ok;
        }
    }

    private bool IsTooOld(KvVersion version, long timestamp) =>
        version < _recent.Floor || time.GetElapsedTime(timestamp) > KvLimits.MaxAge;

    private void Apply(MemoryKvTransaction transaction)
    {
        var buffer = transaction.Buffer;
        _version = new KvVersion(_version.Value + 1);
        var stamp = new Versionstamp((ulong)_version.Value, 0);
        var written = CommitPlan.WriteConflicts(buffer);
        foreach (var cleared in buffer.Cleared.Intervals) ClearRange(cleared, buffer);
        for (var at = buffer.Writes.AtOrAfter(default); buffer.Writes.IsValid(at); at = buffer.Writes.Next(at))
            Apply(buffer.Writes.KeyAt(at), buffer.Writes.ValueAt(at), stamp);
        foreach (var stamped in buffer.StampedKeys)
        {
            var key = CommitPlan.Stamped(stamped.Key, stamped.Offset, stamp);
            Put(key, stamped.Value);
            written.AddKey(key);
        }

        _recent.Add(_version, written.Intervals.ToArray(), time.GetTimestamp());
        transaction.Committed(_version, stamp);
    }

    private void Apply(byte[] key, PendingWrite write, Versionstamp stamp)
    {
        if (write.Kind == WriteKind.StampedSet)
        {
            Put(key, CommitPlan.Stamped(write.Value!, write.StampOffset, stamp));
            return;
        }

        var current = _rows.TryGet(key, out var history) ? history.At(_version) : null;
        Put(key, write.ApplyTo(current is not null, current));
    }

    private void ClearRange(RangeSet.Interval cleared, WriteBuffer buffer)
    {
        for (var at = _rows.AtOrAfter(cleared.Begin); _rows.IsValid(at); at = _rows.Next(at))
        {
            if (_rows.KeyAt(at).AsSpan().SequenceCompareTo(cleared.End) >= 0) return;
            _rows.ValueAt(at).Add(_version, null);
        }
    }

    private void Put(byte[] key, byte[]? value)
    {
        if (value is null && !_rows.TryGet(key, out _)) return;
        ref var history = ref _rows.GetOrAdd(key, out var existed);
        if (!existed) history = new RowHistory();
        history.Add(_version, value);
    }

    /// <summary>
    /// Drops what no permitted snapshot can see: rows are trimmed when the commit that overwrote them is forgotten.
    /// </summary>
    private void ForgetOldCommits()
    {
        while (_recent.Count > 0
            && (_recent.Count > MaxRecentCommits || time.GetElapsedTime(_recent.Oldest.Timestamp) > KvLimits.MaxAge))
        {
            var commit = _recent.Oldest;
            if (CanLosePower && commit.Version > _stable) return;
            _recent.RemoveOldest();
            foreach (var write in commit.Writes) Trim(write, commit.Version);
        }
    }

    private void Trim(RangeSet.Interval written, KvVersion floor)
    {
        var at = _rows.AtOrAfter(written.Begin);
        while (_rows.IsValid(at) && _rows.KeyAt(at) is var key && key.AsSpan().SequenceCompareTo(written.End) < 0)
        {
            if (_rows.ValueAt(at).Trim(floor))
            {
                at = _rows.Next(at);
                continue;
            }

            _rows.RemoveAt(at);
            at = _rows.AtOrAfter(key);
        }
    }
}
