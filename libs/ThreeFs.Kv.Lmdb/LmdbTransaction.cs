using System.Threading.Tasks.Sources;
using ThreeFs.Base;
using ThreeFs.Kv.Buffering;
using ThreeFs.Kv.Lmdb.Durability;
using ThreeFs.Kv.Lmdb.Storage;

namespace ThreeFs.Kv.Lmdb;

/// <summary>
/// A transaction of <see cref="LmdbKvEngine"/>: reads an LMDB snapshot on the caller's thread, hands its buffer to the
/// committer. It is its own completion source; continuations of the commit run on the thread pool.
/// </summary>
internal sealed class LmdbTransaction(LmdbEnvironment environment, TimeProvider time, bool readOnly)
    : BufferedTransaction(readOnly, KeyRules.Contract), IValueTaskSource<Status>, IFlushWaiter
{
    private ManualResetValueTaskSourceCore<Status> _done = new() { RunContinuationsAsynchronously = true };
    private Snapshot? _snapshot;
    private KvVersion? _version;
    private long _timestamp;
    private long _submitted;
    private KvVersion _preparedVersion;
    private Versionstamp _preparedStamp;

    public KvDurability Durability { get; private set; }

    /// <summary>Only the committer's thread asks.</summary>
    public bool IsCompleted { get; private set; }

    public Status CheckConflicts(RecentCommits recent)
    {
        if (_version is not { } version) return Status.Ok;
        return time.GetElapsedTime(_timestamp) > KvLimits.MaxAge ? ReadErrors.TooOld : recent.Check(version, Reads);
    }

    /// <summary>What the transaction gets if the batch it is in succeeds.</summary>
    public void Prepare(KvVersion version, Versionstamp stamp)
    {
        _preparedVersion = version;
        _preparedStamp = stamp;
    }

    public void Complete(Status status)
    {
        IsCompleted = true;
        if (status.IsOk) Committed(_preparedVersion, _preparedStamp);
        Observe(status);
        _done.SetResult(status);
    }

    void IFlushWaiter.Flushed(Status status) => Complete(status.IsOk
        ? status
        : new Status(StatusCode.TxMaybeCommitted, $"committed, but the flush failed: {status.Message}"));

    Status IValueTaskSource<Status>.GetResult(short token) => _done.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<Status>.GetStatus(short token) => _done.GetStatus(token);

    void IValueTaskSource<Status>.OnCompleted(
        Action<object?> continuation,
        object? state,
        short token,
        ValueTaskSourceOnCompletedFlags flags) => _done.OnCompleted(continuation, state, token, flags);

    protected override Status Snapshot(out KvVersion version)
    {
        version = _version ?? KvVersion.None;
        if (_snapshot is not null) return _snapshot.CheckAge();
        var status = environment.Failure;
        if (!status.IsOk) return status;
        var snapshot = environment.Snapshots.Take(time);
        if (!snapshot.IsOk) return snapshot.Status;
        _snapshot = snapshot.Value;
        _timestamp = time.GetTimestamp();
        _version = version = _snapshot.Version;
        return Status.Ok;
    }

    protected override Status ReadSnapshot(ReadOnlySpan<byte> key, out byte[]? value) =>
        _snapshot!.Read(key, out value);

    protected override Status ScanSnapshot(
        ReadOnlySpan<byte> begin,
        ReadOnlySpan<byte> end,
        bool reverse,
        RangeMerger rows) =>
        _snapshot!.Scan(begin, end, reverse, rows);

    protected override ValueTask<Status> SubmitAsync(KvDurability durability)
    {
        // The version is all that commit needs: the pages are free for reuse while it waits.
        Release();
        Durability = durability;
        _submitted = time.GetTimestamp();
        var status = environment.Committer.Enqueue(this);
        if (status.IsOk) return new(this, _done.Version);
        Observe(status);
        return new(status);
    }

    private void Observe(Status status) =>
        environment.Observer.CommitDone(status.Code, Buffer.Operations, time.GetElapsedTime(_submitted));

    protected override void Release()
    {
        if (_snapshot is null) return;
        environment.Snapshots.Return(_snapshot);
        _snapshot = null;
    }
}
