using ThreeFs.Base;

namespace ThreeFs.Kv;

/// <summary>
/// An ordered transactional store with FoundationDB's semantics; every engine passes the same contract suite.
/// <list type="bullet">
/// <item>Strictly serializable: a transaction reads one snapshot and commits only if nothing it read was written since.
/// A transaction begun after a commit was acknowledged sees that commit, in every process that shares the store.</item>
/// <item>Keys are 1 to <see cref="KvLimits.MaxKeyBytes"/> bytes, ordered bytewise, and never start with 0xFF
/// (FoundationDB keeps those for itself).</item>
/// <item>Thread-safe. Its transactions are not: one caller at a time, but reads may be started before earlier ones have
/// completed.</item>
/// </list>
/// </summary>
public interface IKvEngine : IAsyncDisposable
{
    /// <summary>Starts a transaction. The snapshot is taken by the first read, not here.</summary>
    IKvTransaction BeginTransaction();

    /// <summary>Starts a transaction that can only read: it tracks no conflicts and cannot be committed.</summary>
    IKvReadTransaction BeginReadOnly();

    /// <summary>
    /// When it returns Ok, every commit acknowledged before the call, by any process, is on stable storage. Concurrent
    /// callers share one flush.
    /// </summary>
    ValueTask<Status> FlushAsync(CancellationToken ct = default);
}
