using ThreeFs.Base;
using ThreeFs.Kv;

namespace ThreeFs.Sim.Faults;

/// <summary>A store that forgets one kind of records, or (null) never makes anything durable when asked to.</summary>
internal sealed class HidingStore(IKvEngine inner, KeyPrefix? hidden) : IKvEngine
{
    public IKvTransaction BeginTransaction() => new Transaction(inner.BeginTransaction(), hidden);

    public IKvReadTransaction BeginReadOnly() => new Transaction(inner.BeginTransaction(), hidden);

    public ValueTask<Status> FlushAsync(CancellationToken ct) => hidden is null ? new(Status.Ok) : inner.FlushAsync(ct);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private sealed class Transaction(IKvTransaction inner, KeyPrefix? hidden) : IKvTransaction
    {
        private bool IsHidden(ReadOnlySpan<byte> key) => hidden is { } prefix && key.StartsWith(prefix.ToArray());

        public KvVersion CommittedVersion => inner.CommittedVersion;

        public Versionstamp CommittedStamp => inner.CommittedStamp;

        public ValueTask<Result<KvVersion>> GetReadVersionAsync(CancellationToken ct) => inner.GetReadVersionAsync(ct);

        public ValueTask<Result<KvValue>> GetAsync(ReadOnlySpan<byte> key, bool snapshot, CancellationToken ct) =>
            inner.GetAsync(key, snapshot, ct);

        public ValueTask<Result<KvPage>> GetRangeAsync(
            ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end, int limit, bool reverse, bool snapshot, CancellationToken ct) =>
            inner.GetRangeAsync(begin, end, limit, reverse, snapshot, ct);

        public void Set(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value)
        {
            if (!IsHidden(key)) inner.Set(key, value);
        }

        public void Clear(ReadOnlySpan<byte> key) => inner.Clear(key);

        public void ClearRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end) => inner.ClearRange(begin, end);

        public void Mutate(KvMutation mutation, ReadOnlySpan<byte> key, ReadOnlySpan<byte> operand) => inner.Mutate(mutation, key, operand);

        public void SetVersionstampedKey(ReadOnlySpan<byte> key, int offset, ReadOnlySpan<byte> value) =>
            inner.SetVersionstampedKey(key, offset, value);

        public void SetVersionstampedValue(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, int offset) =>
            inner.SetVersionstampedValue(key, value, offset);

        public void AddReadConflictKey(ReadOnlySpan<byte> key) => inner.AddReadConflictKey(key);

        public void AddReadConflictRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end) => inner.AddReadConflictRange(begin, end);

        public void AddWriteConflictKey(ReadOnlySpan<byte> key) => inner.AddWriteConflictKey(key);

        public void AddWriteConflictRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end) => inner.AddWriteConflictRange(begin, end);

        public ValueTask<Status> CommitAsync(KvDurability durability, CancellationToken ct) => inner.CommitAsync(durability, ct);

        public void Cancel() => inner.Cancel();

        public void Dispose() => inner.Dispose();
    }
}
