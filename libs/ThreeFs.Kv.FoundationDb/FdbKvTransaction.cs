using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Tasks;
using ThreeFs.Kv.Buffering;
using ThreeFs.Kv.FoundationDb.Binding;
using ThreeFs.Kv.FoundationDb.Native;

namespace ThreeFs.Kv.FoundationDb;

/// <summary>
/// A transaction of <see cref="FdbKvEngine"/>. Reads of own writes, conflict ranges and the commit are FoundationDB's;
/// here are the contract's checks of arguments, so that what one engine refuses all do, and the subspace's prefix.
/// </summary>
internal sealed class FdbKvTransaction(FdbKvEngine engine, bool readOnly) : IKvTransaction
{
    private const int OffsetBytes = 4;

    private static readonly KeyRules _rules = KeyRules.Contract;

    private readonly FdbTransaction _transaction = engine.BeginNative();
    private Status _failure;
    private bool _over;
    private bool _wrote;

    /// <summary>Of all mutations and conflict ranges that were added, as they were made.</summary>
    private int _bytes;
    private int _operations;

    public KvVersion CommittedVersion { get; private set; } = KvVersion.None;

    public Versionstamp CommittedStamp { get; private set; }

    private Subspace Subspace => engine.Subspace;

    public ValueTask<Result<KvVersion>> GetReadVersionAsync(CancellationToken ct = default)
    {
        if (!MayRead(ct, out var status)) return new(status);
        return _transaction.GetReadVersionAsync<Result<KvVersion>, KvVersionReader>(new(engine), ct);
    }

    public ValueTask<Result<KvValue>> GetAsync(
        ReadOnlySpan<byte> key,
        bool snapshot = false,
        CancellationToken ct = default)
    {
        if (!MayRead(ct, out var status)) return new(status);
        status = _rules.CheckKey(key);
        if (!status.IsOk) return new(status);
        using var full = new FullKey(Subspace, key, stackalloc byte[FullKey.Typical]);
        return _transaction.GetAsync<Result<KvValue>, KvValueReader>(full.Span, snapshot || readOnly, new(engine), ct);
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
        status = _rules.CheckPage(begin, end, ref limit);
        if (!status.IsOk) return new(status);
        var request = new RangeRequest
        {
            Limit = limit,
            TargetBytes = KvLimits.MaxPageBytes,
            Mode = FdbStreamingMode.Exact,
            Snapshot = snapshot || readOnly,
            Reverse = reverse,
        };
        return FillAsync(GetRowsAsync(begin, end, request, ct), begin.ToArray(), end.ToArray(), request, ct);
    }

    public void Set(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (!Admit(key, value)) return;
        using var full = new FullKey(Subspace, key, stackalloc byte[FullKey.Typical]);
        _transaction.Set(full.Span, value);
    }

    public void Clear(ReadOnlySpan<byte> key)
    {
        if (!Admit(key, default)) return;
        using var full = new FullKey(Subspace, key, stackalloc byte[FullKey.Typical]);
        _transaction.Clear(full.Span);
    }

    public void ClearRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end)
    {
        if (!AdmitRange(begin, end)) return;
        using var first = new FullKey(Subspace, begin, stackalloc byte[FullKey.Typical]);
        using var last = new FullKey(Subspace, end, stackalloc byte[FullKey.Typical]);
        _transaction.ClearRange(first.Span, last.Span);
    }

    public void Mutate(KvMutation mutation, ReadOnlySpan<byte> key, ReadOnlySpan<byte> operand)
    {
        if (!Mutations.IsKnown(mutation))
        {
            if (MayWrite()) Fail(new(StatusCode.InvalidArgument, $"unknown atomic mutation {(byte)mutation}"));
            return;
        }

        if (!Admit(key, operand)) return;
        using var full = new FullKey(Subspace, key, stackalloc byte[FullKey.Typical]);
        _transaction.Mutate((FdbMutation)mutation, full.Span, operand);
    }

    public void SetVersionstampedKey(ReadOnlySpan<byte> key, int offset, ReadOnlySpan<byte> value)
    {
        if (!Admit(key, value) || !AdmitOffset(offset, key.Length, "key")) return;
        using var full = new FullKey(Subspace, key, stackalloc byte[FullKey.Typical], OffsetBytes);
        BinaryPrimitives.WriteInt32LittleEndian(full.Span[^OffsetBytes..], Subspace.Prefix.Length + offset);
        _transaction.Mutate(FdbMutation.SetVersionstampedKey, full.Span, value);
    }

    public void SetVersionstampedValue(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, int offset)
    {
        if (!Admit(key, value) || !AdmitOffset(offset, value.Length, "value")) return;
        using var full = new FullKey(Subspace, key, stackalloc byte[FullKey.Typical]);
        var operand = new byte[value.Length + OffsetBytes];
        value.CopyTo(operand);
        BinaryPrimitives.WriteInt32LittleEndian(operand.AsSpan(value.Length), offset);
        _transaction.Mutate(FdbMutation.SetVersionstampedValue, full.Span, operand);
    }

    public void AddReadConflictKey(ReadOnlySpan<byte> key) => AddConflictKey(key, FdbConflictRange.Read);

    public void AddReadConflictRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end) =>
        AddConflictRange(begin, end, FdbConflictRange.Read);

    public void AddWriteConflictKey(ReadOnlySpan<byte> key) => AddConflictKey(key, FdbConflictRange.Write);

    public void AddWriteConflictRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end) =>
        AddConflictRange(begin, end, FdbConflictRange.Write);

    /// <summary>FoundationDB acknowledges only what is on stable storage: both durabilities are Durable.</summary>
    public ValueTask<Status> CommitAsync(KvDurability durability = KvDurability.Durable, CancellationToken ct = default)
    {
        if (!MayRead(ct, out var status)) return new(status);
        Invariant.Check(!readOnly, "a read-only transaction has no commit");
        _over = true;
        return _failure.IsOk && _wrote ? CommitNativeAsync() : new(_failure);
    }

    public void Cancel()
    {
        _over = true;
        _transaction.Dispose();
    }

    public void Dispose() => Cancel();

    /// <summary>
    /// With a limit of bytes the library answers what one storage server sends at once, or what lies before a gap in
    /// what it has cached: the page is filled up with what follows.
    /// </summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Result<KvPage>> FillAsync(
        ValueTask<Result<FdbRows>> first, byte[] begin, byte[] end, RangeRequest request, CancellationToken ct)
    {
        var answer = await first;
        if (!answer.TryGet(out var rows)) return answer.Status;
        if (!rows.More || rows.Rows.Length == request.Limit) return new KvPage(rows.Rows, rows.More, request.Reverse);
        var page = new List<KvRow>(rows.Rows);
        while (rows.More && Left(page, request) is { Limit: > 0, TargetBytes: > 0 } left)
        {
            var (from, to) = page.Count == 0 ? (begin, end)
                : request.Reverse ? (begin, page[^1].Key) : (KvKeys.After(page[^1].Key), end);
            answer = await GetRowsAsync(from, to, left, ct);
            if (!answer.TryGet(out rows)) return answer.Status;
            page.AddRange(rows.Rows);
        }

        return new KvPage(page, rows.More, request.Reverse);
    }

    private ValueTask<Result<FdbRows>> GetRowsAsync(
        ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end, RangeRequest request, CancellationToken ct)
    {
        if (!MayRead(ct, out var status)) return new(status);
        using var first = new FullKey(Subspace, begin, stackalloc byte[FullKey.Typical]);
        using var last = new FullKey(Subspace, end, stackalloc byte[FullKey.Typical]);
        return _transaction.GetRangeAsync<Result<FdbRows>, KvRowsReader>(
            KeySelector.FirstGreaterOrEqual(first.Span),
            KeySelector.FirstGreaterOrEqual(last.Span),
            request,
            new(engine, request.Limit),
            ct);
    }

    private static RangeRequest Left(List<KvRow> page, RangeRequest request)
    {
        var bytes = 0;
        foreach (var row in page) bytes += row.Key.Length + row.Value.Length;
        return request with { Limit = request.Limit - page.Count, TargetBytes = request.TargetBytes - bytes };
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Status> CommitNativeAsync()
    {
        var started = engine.Time.GetTimestamp();
        var stamp = _transaction.GetVersionstampAsync();
        var status = FdbStatuses.OfCommit(await _transaction.CommitAsync());

        // Every future has to be awaited, and that of a failed commit's stamp may only end with the transaction.
        if (!status.IsOk) _transaction.Dispose();
        var stamped = await stamp;
        engine.Observer.CommitDone(status.Code, _operations, engine.Time.GetElapsedTime(started));
        if (!status.IsOk) return status;
        CommittedVersion = new(_transaction.CommittedVersion.Value);
        if (stamped.IsOk) CommittedStamp = Versionstamp.Read(stamped.Value);
        return Status.Ok;
    }

    private void AddConflictKey(ReadOnlySpan<byte> key, FdbConflictRange kind)
    {
        if (!MayWrite() || !Accept(_rules.CheckKey(key), 2 * key.Length + 1)) return;
        using var first = new FullKey(Subspace, key, stackalloc byte[FullKey.Typical]);
        using var last = new FullKey(Subspace, key, stackalloc byte[FullKey.Typical], extra: 1);
        last.Span[^1] = 0;
        Add(first.Span, last.Span, kind);
    }

    private void AddConflictRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end, FdbConflictRange kind)
    {
        if (!MayWrite() || !Accept(_rules.CheckRange(begin, end), begin.Length + end.Length)) return;
        if (begin.SequenceEqual(end)) return;
        using var first = new FullKey(Subspace, begin, stackalloc byte[FullKey.Typical]);
        using var last = new FullKey(Subspace, end, stackalloc byte[FullKey.Typical]);
        Add(first.Span, last.Span, kind);
    }

    private void Add(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end, FdbConflictRange kind)
    {
        _wrote |= kind == FdbConflictRange.Write;
        var error = _transaction.AddConflictRange(begin, end, kind);
        if (error is not FdbError.Success) Fail(FdbStatuses.OfRead(error));
    }

    private bool MayRead(CancellationToken ct, out Status status)
    {
        status = _over ? ReadErrors.Over
            : ct.IsCancellationRequested ? new Status(StatusCode.Cancelled, "the caller gave up on the transaction")
            : Status.Ok;
        return status.IsOk;
    }

    private bool MayWrite()
    {
        Invariant.Check(!readOnly, "a read-only transaction does not write");
        return !_over;
    }

    private bool Admit(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
    {
        if (!MayWrite()) return false;
        if (!Accept(_rules.CheckWrite(key, value.Length), key.Length + value.Length)) return false;
        _operations++;
        return _wrote = true;
    }

    private bool AdmitRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end)
    {
        if (!MayWrite() || !Accept(_rules.CheckRange(begin, end), begin.Length + end.Length)) return false;
        if (begin.SequenceEqual(end)) return false;
        _operations++;
        return _wrote = true;
    }

    private bool AdmitOffset(int offset, int length, string what)
    {
        var status = KeyRules.CheckStamp(offset, length, what);
        if (!status.IsOk) Fail(status);
        return status.IsOk;
    }

    /// <summary>
    /// Past the limit nothing is added any more, so a runaway transaction cannot take the memory either.
    /// </summary>
    private bool Accept(Status status, int bytes)
    {
        if (status.IsOk && (_bytes += bytes) > KvLimits.MaxTransactionBytes) status = KeyRules.TooManyBytes;
        if (!status.IsOk) Fail(status);
        return _failure.IsOk;
    }

    private void Fail(Status status)
    {
        if (_failure.IsOk) _failure = status;
    }
}
