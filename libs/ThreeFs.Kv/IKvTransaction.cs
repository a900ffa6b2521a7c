using ThreeFs.Base;

namespace ThreeFs.Kv;

/// <summary>
/// A serializable read-write transaction with FoundationDB's rules:
/// <list type="bullet">
/// <item>Writes are buffered and seen by the transaction's own later reads, merged into ranges, atomic mutations
/// included.</item>
/// <item>Commit fails with TxConflict when a key or range read without <c>snapshot</c>, or added by AddReadConflict,
/// was written by another commit since the snapshot. Reading a key this transaction has set or cleared adds no
/// conflict. Atomic mutations are writes without reads: they conflict with readers, never with each other.</item>
/// <item>A transaction that wrote nothing commits trivially and cannot conflict.</item>
/// <item>An invalid mutation (bad key, too large) changes nothing and makes the commit fail with its status.</item>
/// <item>After CommitAsync the transaction is over: dispose it and begin another one to retry (see <see
/// cref="KvRetry"/>).</item>
/// </list>
/// Arguments are copied: the caller may reuse its buffers as soon as a call returns.
/// </summary>
public interface IKvTransaction : IKvReadTransaction
{
    void Set(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value);

    void Clear(ReadOnlySpan<byte> key);

    /// <summary>
    /// Clears every key with <paramref name="begin"/> ≤ key &lt; <paramref name="end"/>, whether seen or not.
    /// </summary>
    void ClearRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end);

    /// <summary>
    /// Changes the value without reading it; see <see cref="KvMutation"/> and the typed helpers in <see
    /// cref="KvAtomics"/>.
    /// </summary>
    void Mutate(KvMutation mutation, ReadOnlySpan<byte> key, ReadOnlySpan<byte> operand);

    /// <summary>
    /// Sets a key of which ten bytes at <paramref name="offset"/> are replaced by the commit's <see
    /// cref="Versionstamp"/>. The final key is not readable inside this transaction: reads that touch any key it could
    /// become fail with InvalidArgument, and then the commit does.
    /// </summary>
    void SetVersionstampedKey(ReadOnlySpan<byte> key, int offset, ReadOnlySpan<byte> value);

    /// <summary>
    /// Sets a value of which ten bytes at <paramref name="offset"/> are replaced by the commit's <see
    /// cref="Versionstamp"/>. Not readable inside this transaction, like a stamped key.
    /// </summary>
    void SetVersionstampedValue(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, int offset);

    void AddReadConflictKey(ReadOnlySpan<byte> key);

    void AddReadConflictRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end);

    void AddWriteConflictKey(ReadOnlySpan<byte> key);

    void AddWriteConflictRange(ReadOnlySpan<byte> begin, ReadOnlySpan<byte> end);

    /// <summary>
    /// Ok: applied, seen by every later transaction, and as safe as <paramref name="durability"/> asks. TxConflict,
    /// TxTooOld, TxThrottled, TxTooLarge, InvalidArgument, NoSpace, Cancelled: not applied. TxMaybeCommitted: applied
    /// or not, possibly even later. Cancellation is honoured only before the commit has been handed to the engine. The
    /// continuation runs on a thread of the engine's choice.
    /// </summary>
    ValueTask<Status> CommitAsync(KvDurability durability = KvDurability.Durable, CancellationToken ct = default);

    /// <summary>
    /// The version this transaction's writes got; <see cref="KvVersion.None"/> before the commit and when it wrote
    /// nothing.
    /// </summary>
    KvVersion CommittedVersion { get; }

    /// <summary>
    /// The commit's stamp, unique and increasing in commit order; all zero before the commit and when it wrote nothing.
    /// </summary>
    Versionstamp CommittedStamp { get; }
}
