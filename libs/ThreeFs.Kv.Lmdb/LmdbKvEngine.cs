using ThreeFs.Base;
using ThreeFs.Kv.Lmdb.Durability;

namespace ThreeFs.Kv.Lmdb;

/// <summary>
/// The embedded engine: one LMDB environment on a local disk, shared by any number of processes of one host (not over a
/// network file system, and not by processes in containers with separate process ids). The design and its proof are in
/// docs/adr/0003-embedded-kv.md.
/// <list type="bullet">
/// <item>Reads run on the caller's thread from a snapshot and never wait. A transaction that idles past <see
/// cref="KvLimits.MaxAge"/> loses its snapshot (TxTooOld), so a forgotten one cannot make the file grow.</item>
/// <item>Commits are optimistic, checked and applied in batches by one thread a process; the continuation of
/// CommitAsync runs on the thread pool.</item>
/// <item>A killed process leaves nothing behind: neither locks, nor snapshots, nor half a commit. A power failure
/// undoes at most relaxed commits that were not flushed.</item>
/// <item>Full disk or map: the commit answers NoSpace and nothing of it is applied; clearing still works where a page
/// is left.</item>
/// <item>A failed flush ends the use of the environment in every process (IoError) until all have restarted.</item>
/// </list>
/// Engines of one process on one directory share the environment; the first one's options count.
/// </summary>
public sealed class LmdbKvEngine : IKvEngine
{
    private readonly LmdbEnvironment _environment;
    private readonly TimeProvider _time;
    private int _disposed;

    private LmdbKvEngine(LmdbEnvironment environment, TimeProvider time)
    {
        _environment = environment;
        _time = time;
    }

    public LmdbStatistics Statistics => _environment.Statistics;

    internal LmdbEnvironment Environment => _environment;

    /// <summary>Opens or creates the environment. Takes a few flushes of the disk.</summary>
    public static Result<LmdbKvEngine> Open(LmdbOptions options, TimeProvider time)
    {
        var environment = LmdbEnvironments.Open(options, time);
        return environment.IsOk ? new LmdbKvEngine(environment.Value, time) : environment.Status;
    }

    public IKvTransaction BeginTransaction() => new LmdbTransaction(_environment, _time, readOnly: false);

    public IKvReadTransaction BeginReadOnly() => new LmdbTransaction(_environment, _time, readOnly: true);

    public async ValueTask<Status> FlushAsync(CancellationToken ct = default)
    {
        if (ct.IsCancellationRequested) return new Status(StatusCode.Cancelled, "the caller gave up on the flush");
        var flush = new FlushTask();
        _environment.Flusher.Add(flush);
        return await flush.Task;
    }

    public ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 0) LmdbEnvironments.Close(_environment);
        return default;
    }
}
