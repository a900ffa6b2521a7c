using ThreeFs.Base;
using ThreeFs.Kv.Buffering;
using ThreeFs.Kv.Lmdb.Durability;
using ThreeFs.Kv.Lmdb.Native;
using ThreeFs.Kv.Lmdb.Storage;

namespace ThreeFs.Kv.Lmdb.Commit;

/// <summary>
/// The thread that commits. It takes every transaction that waits, and under LMDB's write lock (which orders it with
/// the other processes) checks each against the commit log, applies the ones that pass, and makes one LMDB commit of
/// all: they share a version and are told apart by the order in their stamps. While one batch is committed the next one
/// gathers, so load makes batches larger, not queues longer. A batch that fails for want of space is retried one
/// transaction at a time: a large one must not take small ones (deletions!) with it.
/// </summary>
internal sealed class Committer
{
    private const int MaxBatchTransactions = 2048;
    private const long MaxBatchBytes = 32 << 20;

    /// <summary>
    /// LMDB commits since the last steady point, each of which keeps about ten pages from reuse. Past it the committer
    /// waits for the disk instead of growing the file.
    /// </summary>
    private const int MaxUnflushedBatches = 16384;

    private readonly LmdbEnvironment _environment;
    private readonly CommitLog _log;
    private readonly Flusher _flusher;
    private readonly int _maxQueued;
    private readonly Thread _thread;
    private readonly object _lock = new();
    private readonly Queue<LmdbTransaction> _queue = new();
    private readonly List<LmdbTransaction> _batch = [];
    private readonly List<LmdbTransaction> _passed = [];
    private long _flushesSeen;
    private int _unflushed;
    private bool _stopping;

    public Committer(LmdbEnvironment environment, CommitLog log, Flusher flusher, int maxQueued)
    {
        _environment = environment;
        _log = log;
        _flusher = flusher;
        _maxQueued = maxQueued;
        _thread = new Thread(Run) { IsBackground = true, Name = "kv-commit" };
        _thread.Start();
    }

    public long Commits { get; private set; }
    public long Batches { get; private set; }
    public long Conflicts { get; private set; }

    /// <summary>Ok: the transaction will be completed. Otherwise it was not taken.</summary>
    public Status Enqueue(LmdbTransaction transaction)
    {
        lock (_lock)
        {
            if (_stopping) return new Status(StatusCode.Cancelled, $"{_environment.Path} is closed");
            if (_queue.Count >= _maxQueued)
                return new Status(
                    StatusCode.TxThrottled,
                    $"{_environment.Path}: {_maxQueued} commits are waiting already");
            _queue.Enqueue(transaction);
            if (_queue.Count == 1) Monitor.Pulse(_lock);
            return Status.Ok;
        }
    }

    /// <summary>Commits what is queued and ends the thread.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            _stopping = true;
            Monitor.Pulse(_lock);
        }

        _thread.Join();
    }

    private void Run()
    {
        while (TakeBatch())
        {
            var code = Commit(_batch, out var status);
            if (MdbErrors.IsOutOfSpace(code) && _batch.Count > 1) CommitOneByOne();
            else if (!status.IsOk) Complete(_batch, status);
            WaitForTheDisk();
        }
    }

    private void WaitForTheDisk()
    {
        if (_flushesSeen != _flusher.Flushes)
        {
            _flushesSeen = _flusher.Flushes;
            _unflushed = 0;
        }

        if (++_unflushed < MaxUnflushedBatches) return;
        var flush = new FlushTask();
        _flusher.Add(flush);
        flush.Task.GetAwaiter().GetResult();
        _unflushed = 0;
    }

    private bool TakeBatch()
    {
        _batch.Clear();
        lock (_lock)
        {
            while (_queue.Count == 0 && !_stopping) Monitor.Wait(_lock);
            var bytes = 0L;
            while (_batch.Count < MaxBatchTransactions
                && bytes < MaxBatchBytes
                && _queue.TryDequeue(out var transaction))
            {
                _batch.Add(transaction);
                bytes += transaction.Buffer.Bytes;
            }
        }

        return _batch.Count > 0;
    }

    private void CommitOneByOne()
    {
        var single = new List<LmdbTransaction>(1);
        foreach (var transaction in _batch)
        {
            if (transaction.IsCompleted) continue;
            single.Clear();
            single.Add(transaction);
            Commit(single, out var status);
            if (!status.IsOk) transaction.Complete(status);
        }
    }

    /// <summary>
    /// Completes every transaction of the batch, or none of those that passed when the status is not Ok: then nothing
    /// was applied.
    /// </summary>
    private int Commit(List<LmdbTransaction> batch, out Status status)
    {
        status = _environment.Failure;
        if (!status.IsOk) return 0;
        var code = Mdb.TxnBegin(_environment.Handle, 0, 0, out var txn);
        if (code == 0)
        {
            var utc = _environment.UtcMilliseconds;
            code = CommitInside(txn, batch, utc, out var version);
            if (code != 0 || _passed.Count == 0) Mdb.TxnAbort(txn);
            else code = Mdb.TxnCommit(txn);
            if (code != 0) _log.BatchAborted(version);
            else if (_passed.Count > 0) Succeed(version, utc);
        }

        if (code == 0) return 0;
        status = MdbErrors.ToStatus(code, _environment.Path, "committing");

        // A panicked LMDB environment answers everything with the same code; anything else may work again.
        if (code is Mdb.Panic or Mdb.Corrupted) _environment.Fail(status);
        return code;
    }

    private int CommitInside(nint txn, List<LmdbTransaction> batch, long utc, out KvVersion version)
    {
        _passed.Clear();
        version = _log.Version;
        var code = Snapshot.ReadVersion(txn, _environment.Database, out var newest);
        if (code == 0) code = _log.CatchUp(txn, newest);
        if (code != 0) return code;
        version = new KvVersion(newest.Value + 1);
        _log.StartBatch(utc);
        foreach (var transaction in batch)
        {
            if (transaction.IsCompleted) continue;
            var status = transaction.CheckConflicts(_log.Recent);
            if (status.Code == StatusCode.TxConflict) Conflicts++;
            if (!status.IsOk)
            {
                transaction.Complete(status);
                continue;
            }

            var stamp = new Versionstamp((ulong)version.Value, (ushort)_passed.Count);
            var written = CommitPlan.WriteConflicts(transaction.Buffer);
            code = MdbWrites.Apply(txn, _environment.Database, transaction.Buffer, stamp, written);
            if (code != 0) return code;
            _log.Add(version, written, utc);
            transaction.Prepare(version, stamp);
            _passed.Add(transaction);
        }

        return _passed.Count == 0 ? 0 : _log.FinishBatch(txn, version, utc);
    }

    private void Succeed(KvVersion version, long utc)
    {
        _log.BatchCommitted(version, utc);
        Batches++;
        Commits += _passed.Count;
        var relaxed = false;
        foreach (var transaction in _passed)
        {
            if (transaction.Durability == KvDurability.Durable) _flusher.Add(transaction);
            else relaxed = true;
        }

        // Before the acknowledgement: a crash right after it must find the flush already due.
        if (relaxed) _flusher.MarkDirty();
        foreach (var transaction in _passed)
            if (transaction.Durability == KvDurability.Relaxed) transaction.Complete(Status.Ok);
    }

    private static void Complete(List<LmdbTransaction> batch, Status status)
    {
        foreach (var transaction in batch)
            if (!transaction.IsCompleted) transaction.Complete(status);
    }
}
