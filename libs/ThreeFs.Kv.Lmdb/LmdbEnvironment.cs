using ThreeFs.Base;
using ThreeFs.Kv.Lmdb.Commit;
using ThreeFs.Kv.Lmdb.Durability;
using ThreeFs.Kv.Lmdb.Native;
using ThreeFs.Kv.Lmdb.Storage;

namespace ThreeFs.Kv.Lmdb;

/// <summary>
/// An open environment: the handle, its two threads, its snapshots and its files. Made by <see cref="LmdbOpening"/>.
/// </summary>
internal sealed class LmdbEnvironment
{
    private readonly TimeProvider _time;
    private readonly LmdbOptions _options;
    private readonly SteadyPoints _points;
    private readonly LmdbFiles _files;
    private volatile StrongStatus? _failure;

    public LmdbEnvironment(
        nint handle,
        uint database,
        KvVersion version,
        LmdbOptions options,
        TimeProvider time,
        LmdbFiles files,
        SteadyPoints points)
    {
        Handle = handle;
        Database = database;
        _options = options;
        _time = time;
        _files = files;
        _points = points;
        Snapshots = new SnapshotPool(handle, database, options.Path, options.MaxSnapshots);
        Flusher = new Flusher(this, points, Snapshots, options.FlushInterval);
        Committer = new Committer(
            this,
            new CommitLog(database, version, options.ConflictWindow),
            Flusher,
            options.MaxQueuedCommits);
    }

    public nint Handle { get; }
    public uint Database { get; }
    public string Path => _options.Path;
    public IKvObserver Observer => _options.Observer;
    public SnapshotPool Snapshots { get; }
    public Flusher Flusher { get; }
    public Committer Committer { get; }

    public long UtcMilliseconds => _time.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Not Ok once the environment must not be used any more.</summary>
    public Status Failure => _failure?.Status ?? Status.Ok;

    public LmdbStatistics Statistics =>
        new(Committer.Commits, Committer.Batches, Committer.Conflicts, Flusher.Flushes, Snapshots.InUse);

    public void Fail(Status status)
    {
        if (Interlocked.CompareExchange(ref _failure, new StrongStatus(status), null) is null)
            _options.Notice?.Invoke($"the environment is given up: {status}");
    }

    public void Close()
    {
        Committer.Stop();
        Flusher.Stop();
        Snapshots.Close();
        _points.Close();
        Mdb.EnvClose(Handle);
        _files.Dispose();
    }

    private sealed record StrongStatus(Status Status);
}
