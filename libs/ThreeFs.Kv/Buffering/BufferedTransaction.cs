using ThreeFs.Base;

namespace ThreeFs.Kv.Buffering;

/// <summary>
/// The transaction of every engine that is not FoundationDB itself: buffers writes, merges them into reads, tracks
/// conflicts. An engine adds the snapshot and the commit. Rules are in <see cref="IKvTransaction"/>.
/// </summary>
internal abstract class BufferedTransaction(bool readOnly, KeyRules rules) : IKvTransaction, IKvConflictSets
{
    private State _state;

    public WriteBuffer Buffer { get; } = new(rules);
    public RangeSet Reads { get; } = new();
    public KvVersion CommittedVersion { get; private set; } = KvVersion.None;
    public Versionstamp CommittedStamp { get; private set; }

    IReadOnlyList<KvKeyRange> IKvConflictSets.ReadConflicts => Reads.ToList();
    IReadOnlyList<KvKeyRange> IKvConflictSets.WriteConflicts => CommitPlan.WriteConflicts(Buffer).ToList();

    /// <summary>Takes the snapshot if there is none and checks that it may still be read.</summary>
    protected abstract Status Snapshot(out KvVersion version);

    /// <summary>Reads the snapshot, which was checked just before; null: no value.</summary>
    protected abstract Status ReadSnapshot(ReadOnlySpan<byte> key, out byte[]? value);

    /// <summary>Offers the rows of [begin, end) of the snapshot in order until the merger is full.</summary>
    protected abstract Status ScanSnapshot(
        ReadOnlySpan<byte> begin,
        ReadOnlySpan<byte> end,
        bool reverse,
        RangeMerger rows);

    /// <summary>Commits the buffer, which is not empty, and calls <see cref="Committed"/> on success.</summary>
    protected abstract ValueTask<Status> SubmitAsync(KvDurability durability);

    /// <summary>The transaction is over: gives the snapshot back. Called once or more.</summary>
    protected abstract void Release();

    public ValueTask<Result<KvVersion>> GetReadVersionAsync(CancellationToken ct = default)
    {
        if (!MayRead(ct, out var status)) return new(status);
        status = Snapshot(out var version);
        return new(status.IsOk ? version : status);
    }

    public ValueTask<Result<KvValue>> GetAsync(
        ReadOnlySpan<byte> key,
        bool snapshot = false,
        CancellationToken ct = default)
    {
        if (!MayRead(ct, out var status)) return new(status);
        byte[]? value = null;
        status = rules.CheckKey(key);
        if (status.IsOk) status = Get(key, snapshot, out value);
        return new(status.IsOk ? new KvValue(value) : status);
    }

    public ValueTask<Result<KvPage>> GetRangeAsync(
        ReadOnlySpan<byte> begin,
        ReadOnlySpan<byte> end,
        int limit = 0,
        bool reverse = false,
        bool snapshot = false,
        CancellationToken ct = default)
    {
        if (!MayRead(ct, out var status)) return new(status);
        status = rules.CheckPage(begin, end, ref limit);
        if (status.IsOk) status = Snapshot(out _);
        if (status.IsOk && Buffer.TouchesStampedKey(begin, end)) status = Unreadable(begin);
        if (!status.IsOk) return new(status);

        var rows = new RangeMerger(Buffer, begin, end, limit, reverse);
        status = ScanSnapshot(begin, end, reverse, rows);
        if (status.IsOk) rows.Finish();
        if (status.IsOk && !rows.Failure.IsOk) Buffer.Fail(status = rows.Failure);
        if (!status.IsOk) return new(status);
        var page = new KvPage(rows.Rows, rows.IsFull, reverse);
        if (!snapshot && !readOnly) AddConflictOf(page, begin, end, reverse);
        return new(page);
    }

    public void Set(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (MayWrite()) Buffer.Set(key, value);
    }

    public void Clear(ReadOnlySpan<byte> key)
    {
        if (MayWrite()) Buffer.Clear(key);
    }

    public void ClearRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end)
    {
        if (MayWrite()) Buffer.ClearRange(begin, end);
    }

    public void Mutate(KvMutation mutation, ReadOnlySpan<byte> key, ReadOnlySpan<byte> operand)
    {
        if (MayWrite()) Buffer.Mutate(mutation, key, operand);
    }

    public void SetVersionstampedKey(ReadOnlySpan<byte> key, int offset, ReadOnlySpan<byte> value)
    {
        if (MayWrite()) Buffer.SetStampedKey(key, offset, value);
    }

    public void SetVersionstampedValue(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, int offset)
    {
        if (MayWrite()) Buffer.SetStampedValue(key, value, offset);
    }

    public void AddReadConflictKey(ReadOnlySpan<byte> key)
    {
        if (MayWrite() && Accept(rules.CheckKey(key))) Reads.AddKey(key);
    }

    public void AddReadConflictRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end)
    {
        if (MayWrite() && Accept(rules.CheckRange(begin, end))) Reads.Add(begin, end);
    }

    public void AddWriteConflictKey(ReadOnlySpan<byte> key)
    {
        if (MayWrite()) Buffer.AddWriteConflictKey(key);
    }

    public void AddWriteConflictRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end)
    {
        if (MayWrite()) Buffer.AddWriteConflictRange(begin, end);
    }

    public ValueTask<Status> CommitAsync(KvDurability durability = KvDurability.Durable, CancellationToken ct = default)
    {
        if (!MayRead(ct, out var status)) return new(status);
        Invariant.Check(!readOnly, "a read-only transaction has no commit");
        _state = State.Over;
        status = Buffer.Failure;
        if (status.IsOk && Buffer.Bytes + Reads.AddedBytes > KvLimits.MaxTransactionBytes)
            status = new Status(
                StatusCode.TxTooLarge,
                $"writes and conflict ranges have more than {KvLimits.MaxTransactionBytes} bytes");
        if (status.IsOk && !Buffer.IsEmpty) return SubmitAsync(durability);
        Release();
        return new(status);
    }

    public void Cancel()
    {
        _state = State.Over;
        Release();
    }

    public void Dispose() => Cancel();

    internal void Committed(KvVersion version, Versionstamp stamp)
    {
        CommittedVersion = version;
        CommittedStamp = stamp;
    }

    private Status Get(ReadOnlySpan<byte> key, bool snapshot, out byte[]? value)
    {
        value = null;
        if (Buffer.TouchesStampedKey(key)) return Unreadable(key);
        var own = Buffer.Writes.TryGet(key, out var write);
        if (own && write.Kind == WriteKind.StampedSet) return Unreadable(key);
        if (own && write.Kind != WriteKind.Mutate)
        {
            value = write.Value?.AsSpan().ToArray();
            return Status.Ok;
        }

        if (!own && Buffer.Cleared.Count > 0 && Buffer.Cleared.Contains(key)) return Status.Ok;
        var status = Snapshot(out _);
        if (status.IsOk) status = ReadSnapshot(key, out value);
        if (!status.IsOk) return status;
        if (!snapshot && !readOnly) Reads.AddKey(key);
        if (own) value = write.ApplyTo(value is not null, value);
        return Status.Ok;
    }

    /// <summary>As in FoundationDB, a transaction that looked at what it cannot know does not commit.</summary>
    private Status Unreadable(ReadOnlySpan<byte> key)
    {
        var status = ReadErrors.NotReadableYet(key);
        Buffer.Fail(status);
        return status;
    }

    private void AddConflictOf(KvPage page, ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end, bool reverse)
    {
        if (!page.More) Reads.Add(begin, end);
        else if (reverse) Reads.Add(page.Rows[^1].Key, end);
        else Reads.Add(begin, KvKeys.After(page.Rows[^1].Key));
    }

    private bool MayRead(CancellationToken ct, out Status status)
    {
        status = _state == State.Over ? ReadErrors.Over
            : ct.IsCancellationRequested ? new Status(StatusCode.Cancelled, "the caller gave up on the transaction")
            : Status.Ok;
        return status.IsOk;
    }

    private bool MayWrite()
    {
        Invariant.Check(!readOnly, "a read-only transaction does not write");
        return _state == State.Open;
    }

    private bool Accept(Status status)
    {
        if (!status.IsOk) Buffer.Fail(status);
        return status.IsOk;
    }

    private enum State : byte
    {
        Open,
        Over,
    }
}
