using ThreeFs.Base;

namespace ThreeFs.Kv;

/// <summary>
/// A transaction whose reads and commit may fail or take time first; see <see cref="FaultyKvEngine"/>.
/// </summary>
internal sealed class FaultyKvTransaction(IKvTransaction inner, FaultyKvEngine engine)
    : FaultyKvReadTransaction(inner, engine), IKvTransaction, IKvConflictSets
{
    private readonly FaultyKvEngine _engine = engine;
    private readonly IKvTransaction _inner = inner;
    private bool _wrote;

    public KvVersion CommittedVersion => _inner.CommittedVersion;

    public Versionstamp CommittedStamp => _inner.CommittedStamp;

    public IReadOnlyList<KvKeyRange> ReadConflicts => (_inner as IKvConflictSets)?.ReadConflicts ?? [];

    public IReadOnlyList<KvKeyRange> WriteConflicts => (_inner as IKvConflictSets)?.WriteConflicts ?? [];

    public void Set(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value) => Writing().Set(key, value);

    public void Clear(ReadOnlySpan<byte> key) => Writing().Clear(key);

    public void ClearRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end) => Writing().ClearRange(begin, end);

    public void Mutate(KvMutation mutation, ReadOnlySpan<byte> key, ReadOnlySpan<byte> operand) =>
        Writing().Mutate(mutation, key, operand);

    public void SetVersionstampedKey(ReadOnlySpan<byte> key, int offset, ReadOnlySpan<byte> value) =>
        Writing().SetVersionstampedKey(key, offset, value);

    public void SetVersionstampedValue(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, int offset) =>
        Writing().SetVersionstampedValue(key, value, offset);

    public void AddReadConflictKey(ReadOnlySpan<byte> key) => _inner.AddReadConflictKey(key);

    public void AddReadConflictRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end) =>
        _inner.AddReadConflictRange(begin, end);

    public void AddWriteConflictKey(ReadOnlySpan<byte> key) => Writing().AddWriteConflictKey(key);

    public void AddWriteConflictRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end) =>
        Writing().AddWriteConflictRange(begin, end);

    public async ValueTask<Status> CommitAsync(
        KvDurability durability = KvDurability.Durable,
        CancellationToken ct = default)
    {
        if (!_wrote) return await _inner.CommitAsync(durability, ct);
        var (fault, delay) = _engine.NextCommit();
        try
        {
            await _engine.DelayAsync(delay, ct);
        }
        catch (OperationCanceledException)
        {
            return new Status(StatusCode.Cancelled, "the caller gave up on the transaction");
        }

        if (fault is KvFault.None or KvFault.MaybeCommittedApplied)
        {
            var status = await _inner.CommitAsync(durability, ct);
            if (fault == KvFault.None || !status.IsOk) return status;
        }
        else _inner.Cancel();

        return FaultyKvEngine.StatusOf(fault);
    }

    private IKvTransaction Writing()
    {
        _wrote = true;
        return _inner;
    }
}
