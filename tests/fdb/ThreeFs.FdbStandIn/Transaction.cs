using System.Diagnostics;
using ThreeFs.Base;
using ThreeFs.Kv;

namespace ThreeFs.FdbStandIn;

/// <summary>
/// A transaction: the in-memory engine's, with the codes of FoundationDB, its state machine (in use, committing, over,
/// cancelled) and its futures. The engine answers at once; what takes time is only how the answer arrives.
/// </summary>
internal sealed class Transaction
{
    private const int LockAware = 700, ReadLockAware = 702, TimeoutOption = 500, RetryLimit = 501;

    private readonly Lock _lock = new();
    private readonly Database _database;
    private readonly List<Future> _pending = [];
    private readonly List<(byte[] Key, byte[]? Value, Future Future)> _watches = [];
    private readonly List<Future> _stamps = [];
    private readonly Dictionary<int, long> _options = [];
    private readonly long _begun = Stopwatch.GetTimestamp();
    private IKvTransaction _inner;
    private State _state;
    private int _deferred;
    private long _size;
    private int _retries;
    private bool _wrote;

    public Transaction(Database database)
    {
        _database = database;
        _inner = database.Store.Engine.BeginTransaction();
    }

    public long CommittedVersion { get; private set; } = -1;

    public bool IsCommitted => _state == State.Committed;

    public void SetOption(int option, long value)
    {
        lock (_lock) _options[option] = value;
    }

    public nint GetReadVersion() => Read<KvVersion>(
        tx => tx.GetReadVersionAsync().Result, (f, version) => f.Fill(version.Value));

    public nint Get(byte[] key, bool snapshot) => Read<KvValue>(
        tx => CheckKey(key) is var bad && bad != 0 ? new Refused<KvValue>(bad) : tx.GetAsync(key, snapshot).Result,
        (f, value) => f.FillBytes(value.Span, value.Exists));

    public nint GetKey(Selector selector, bool snapshot) =>
        Read(tx => selector.Resolve(tx, snapshot), (f, key) => f.FillBytes(key));

    public nint GetRange(Selector begin, Selector end, RangeLimits limits, bool snapshot, bool reverse) =>
        Read(tx => limits.Read(tx, begin, end, snapshot, reverse), (f, rows) => f.FillRows(rows.Rows, rows.More));

    public nint EstimatedSize(byte[] begin, byte[] end) => Read(
        tx => RangeLimits.Everything.Read(tx, Selector.AtOrAfter(begin), Selector.AtOrAfter(end), true, false),
        (f, rows) => f.Fill(rows.Rows.Sum(row => (long)row.Key.Length + row.Value.Length)));

    public nint SplitPoints(byte[] begin, byte[] end, long chunkSize) => Read(
        tx => RangeLimits.Everything.Read(tx, Selector.AtOrAfter(begin), Selector.AtOrAfter(end), true, false),
        (f, rows) =>
        {
            List<byte[]> points = [begin];
            var size = 0L;
            foreach (var row in rows.Rows)
            {
                if (size >= chunkSize)
                {
                    size = 0;
                    points.Add(row.Key);
                }

                size += row.Key.Length + row.Value.Length;
            }

            points.Add(end);
            f.FillKeys(points);
        });

    public void Set(byte[] key, byte[] value)
    {
        var bad = CheckKey(key);
        if (bad == 0 && value.Length > KvLimits.MaxValueBytes) bad = Errors.ValueTooLarge;
        Write(bad, key.Length + value.Length, tx => tx.Set(key, value));
    }

    public void Clear(byte[] key) => Write(CheckKey(key), key.Length, tx => tx.Clear(key));

    public void ClearRange(byte[] begin, byte[] end) =>
        Write(CheckRange(begin, end), begin.Length + end.Length, tx => tx.ClearRange(begin, end));

    public void Mutate(int mutation, byte[] key, byte[] operand) =>
        Write(CheckKey(key), key.Length + operand.Length, tx => _deferred = Mutation.Apply(tx, mutation, key, operand));

    public int AddConflictRange(byte[] begin, byte[] end, bool write)
    {
        lock (_lock)
        {
            if (CheckRange(begin, end) is var bad && bad != 0) return bad;
            _size += begin.Length + end.Length;
            if (write) _wrote = true;
            if (write) _inner.AddWriteConflictRange(begin, end);
            else _inner.AddReadConflictRange(begin, end);
            return 0;
        }
    }

    public nint Watch(byte[] key)
    {
        lock (_lock)
        {
            var future = NewFuture();
            if (Refusal() is var error && error != 0)
            {
                future.Complete(error);
                return future.Handle;
            }

            _watches.Add((key, _inner.GetAsync(key).Result.Value.Bytes, future));
            return future.Handle;
        }
    }

    public nint Commit()
    {
        lock (_lock)
        {
            var future = NewFuture();
            if (Refusal() is var error && error != 0)
            {
                future.Complete(error);
                return future.Handle;
            }

            _state = State.Committing;
            var (result, stamp) = Apply();
            StartTimeout(future);
            Network.Answer(() => Committed(future, result, stamp));
            return future.Handle;
        }
    }

    public nint GetVersionstamp()
    {
        lock (_lock)
        {
            var future = NewFuture();
            if (Refusal() is var error && error != 0) future.Complete(error);
            else _stamps.Add(future);
            return future.Handle;
        }
    }

    public nint GetApproximateSize()
    {
        lock (_lock)
        {
            var future = NewFuture();
            var size = _size;
            Network.Post(() => future.Complete(0, f => f.Fill(size)), TimeSpan.Zero);
            return future.Handle;
        }
    }

    public nint OnError(int error)
    {
        lock (_lock)
        {
            var future = NewFuture();
            var limit = _options.TryGetValue(RetryLimit, out var set) ? set : -1;
            if (!Errors.IsRetryable(error) || (limit >= 0 && _retries >= limit))
            {
                future.Complete(error);
                return future.Handle;
            }

            _retries++;
            Network.Answer(() =>
            {
                Reset();
                future.Complete(0);
            });
            return future.Handle;
        }
    }

    public void Reset()
    {
        lock (_lock)
        {
            Cancel();
            _inner = _database.Store.Engine.BeginTransaction();
            (_state, _deferred, _size, _wrote, CommittedVersion) = (State.Open, 0, 0, false, -1);
        }
    }

    /// <summary>Ends what is under way; of a commit nobody learns the end.</summary>
    public void Cancel()
    {
        Future[] pending;
        lock (_lock)
        {
            _state = State.Cancelled;
            _inner.Dispose();
            pending = [.. _pending];
            _pending.Clear();
            _stamps.Clear();
            _watches.Clear();
        }

        foreach (var future in pending)
            Network.Post(() => future.Complete(Errors.TransactionCancelled), TimeSpan.Zero);
    }

    public void Forget(Future future)
    {
        lock (_lock) _pending.Remove(future);
    }

    private nint Read<T>(Func<IKvTransaction, Answer<T>> read, Action<Future, T> fill)
    {
        lock (_lock)
        {
            var future = NewFuture();
            var error = Refusal();
            if (error == 0 && IsLockedOut()) error = Errors.DatabaseLocked;
            if (error == 0) error = Faults.OfRead();
            var answer = error == 0 ? read(_inner) : new Answer<T>(error, default!);
            void Deliver() => future.Complete(answer.Error, f => fill(f, answer.Value));
            StartTimeout(future);
            if (Network.IsReadyAtOnce()) Deliver();
            else Network.Answer(Deliver);
            return future.Handle;
        }
    }

    private void Write(int bad, int bytes, Action<IKvTransaction> write)
    {
        lock (_lock)
        {
            if (_state is not State.Open and not State.Cancelled) _deferred = Errors.UsedDuringCommit;
            if (bad != 0) _deferred = bad;
            if (_state != State.Open || _deferred != 0) return;
            _wrote = true;
            _size += bytes;
            write(_inner);
        }
    }

    /// <summary>What the commit does, or would have done if its answer gets lost.</summary>
    private (int Error, Versionstamp? Stamp) Apply()
    {
        if (!_wrote) return (0, null);
        if (IsLockedOut()) return (Errors.DatabaseLocked, null);
        var (fault, applied) = Faults.OfCommit();
        if (!applied) return (fault, null);
        var error = Errors.Of(_inner.CommitAsync().Result.Code);
        return (error != 0 ? error : fault, error == 0 ? _inner.CommittedStamp : null);
    }

    private void Committed(Future future, int error, Versionstamp? stamp)
    {
        Future[] stamps;
        (byte[] Key, byte[]? Value, Future Future)[] watches;
        lock (_lock)
        {
            if (_state != State.Committing) return;
            _state = error == 0 ? State.Committed : State.Failed;
            if (error == 0 && stamp is { } some) CommittedVersion = (long)some.Version;
            (stamps, watches) = ([.. _stamps], [.. _watches]);
            _stamps.Clear();
            _watches.Clear();
        }

        var ofStamp = error == 0 && stamp is null ? Errors.NoCommitVersion : error;
        foreach (var waiting in stamps) waiting.Complete(ofStamp, f => Fill(f, stamp!.Value));
        foreach (var watch in watches)
        {
            Forget(watch.Future);
            if (error == 0) _database.Store.Watch(watch.Key, watch.Value, watch.Future);
            else watch.Future.Complete(error);
        }

        future.Complete(error);
        if (stamp is not null) _database.Store.Fire();
    }

    private static void Fill(Future future, Versionstamp stamp)
    {
        Span<byte> bytes = stackalloc byte[Versionstamp.Size];
        stamp.Write(bytes);
        future.FillBytes(bytes);
    }

    private Future NewFuture()
    {
        var future = new Future(this);
        _pending.Add(future);
        return future;
    }

    private void StartTimeout(Future future)
    {
        if (TimeLeft() is { } left && left > TimeSpan.Zero)
            Network.Post(() => future.Complete(Errors.TransactionTimedOut), left);
    }

    /// <summary>Until the timeout, which counts from the transaction's begin; null: there is none.</summary>
    private TimeSpan? TimeLeft()
    {
        var milliseconds = _options.TryGetValue(TimeoutOption, out var own) ? own : _database.Option(TimeoutOption);
        return milliseconds > 0 ? TimeSpan.FromMilliseconds(milliseconds) - Stopwatch.GetElapsedTime(_begun) : null;
    }

    private bool IsLockedOut() =>
        Faults.IsLocked && !_options.ContainsKey(LockAware) && !_options.ContainsKey(ReadLockAware);

    private int Refusal() => _state switch
    {
        State.Cancelled => Errors.TransactionCancelled,
        State.Committing or State.Committed or State.Failed => Errors.UsedDuringCommit,
        _ when TimeLeft() <= TimeSpan.Zero => Errors.TransactionTimedOut,
        _ => _deferred,
    };

    private static int CheckKey(byte[] key) => key.Length > 10_000 + 4 ? Errors.KeyTooLarge
        : key.Length > 0 && key[0] == 0xFF ? Errors.KeyOutsideLegalRange : 0;

    private static int CheckRange(byte[] begin, byte[] end) =>
        begin.AsSpan().SequenceCompareTo(end) > 0 ? Errors.InvertedRange
        : end.AsSpan().SequenceCompareTo(KvKeys.End) > 0 ? Errors.KeyOutsideLegalRange : 0;

    private enum State : byte
    {
        Open,
        Committing,
        Committed,
        Failed,
        Cancelled,
    }
}

/// <summary>A value or FoundationDB's code.</summary>
internal readonly record struct Answer<T>(int Error, T Value)
{
    public static implicit operator Answer<T>(Result<T> result) =>
        result.IsOk ? new(0, result.Value) : new(Errors.Of(result.Code), default!);

    public static implicit operator Answer<T>(Refused<T> refused) => new(refused.Error, default!);
}

internal readonly record struct Refused<T>(int Error);
