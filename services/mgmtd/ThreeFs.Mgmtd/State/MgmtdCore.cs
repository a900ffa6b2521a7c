using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Kv;
using ThreeFs.Mgmtd.Lease;
using ThreeFs.Mgmtd.Records;

namespace ThreeFs.Mgmtd.State;

/// <summary>
/// The state of one mgmtd and the two ways to touch it: <see cref="Read{T}"/> for what is in memory,
/// <see cref="ChangeAsync{T}"/> for what is stored.
/// </summary>
/// <remarks>
/// Stored changes are serialized by one writer; each makes a new cluster of the present one, committed in one
/// transaction that also reads the lease, and enters memory and routing only after the commit. The lock guards
/// memory and is never held over an await. A commit whose outcome is unknown ends the term: memory and store might
/// differ, and a new term reloads.
/// </remarks>
internal sealed class MgmtdCore : IDisposable
{
    private readonly SemaphoreSlim _writer = new(1);
    private readonly Lock _lock = new();
    private readonly KvRetry _kv;
    private Term? _term;

    public MgmtdCore(MgmtdOptions options, IKvEngine kv, TimeProvider time, SeededRandom random, ILogger log)
    {
        options.Validate().ThrowIfFailed();
        Options = options;
        Time = time;
        Log = log;
        _kv = new KvRetry(kv, time, random.Fork());
        Self = new NodeRecord(
            options.Node, NodeKind.Mgmtd, options.HostName, options.ProcessId, options.Endpoints, NodeRecord.NoTags);
        Lease = new LeaseKeeper(Self, options.Timing, _kv, time);
    }

    public MgmtdOptions Options { get; }
    public MgmtdTiming Timing => Options.Timing;
    public TimeProvider Time { get; }
    public ILogger Log { get; }
    public NodeRecord Self { get; }
    public LeaseKeeper Lease { get; }
    public RoutingBoard Board { get; } = new();

    /// <summary>Set when chains or routing may have to change; the chain updater waits for it.</summary>
    public AsyncSignal Work { get; } = new();

    public bool IsPrimary => Read(_ => true).IsOk;

    public void Dispose() => _writer.Dispose();

    /// <summary>Looks at the term, if this is the primary, under the lock.</summary>
    public Result<T> Read<T>(Func<Term, Result<T>> read)
    {
        lock (_lock) return TryTerm(out var term) ? read(term) : NotPrimary();
    }

    public Result<T> Read<T>(Func<Term, T> read) => Read(term => (Result<T>)read(term));

    /// <summary>
    /// Runs one stored change; see the class. <paramref name="change"/> runs under the lock. Of the stored cluster it
    /// only computes the next one; what it changes of the term besides, as the sets of chains to look at and of targets
    /// being lost, its caller puts right when the change is not committed.
    /// </summary>
    public async ValueTask<Result<T>> ChangeAsync<T>(Func<Term, Result<Change<T>>> change, CancellationToken ct)
    {
        if (!await EnterAsync(ct))
            return new Status(StatusCode.Cancelled, "the caller gave up before the change began");
        try
        {
            Term? term;
            Result<Change<T>> outcome;
            lock (_lock) outcome = TryTerm(out term) ? change(term) : NotPrimary();
            if (!outcome.TryGet(out var next)) return outcome.Status;
            Invariant.Check(term is not null, "a change without a term is refused");
            if (ReferenceEquals(next.Cluster, term.Cluster)) return next.Answer;

            var committed = await CommitAsync(term.Number, term.Cluster, next.Cluster);
            if (!committed.IsOk) return committed;
            lock (_lock)
            {
                term.Install(next.Cluster);
                if (ReferenceEquals(_term, term)) Publish(term);
            }

            return next.Answer;
        }
        finally
        {
            _writer.Release();
        }
    }

    /// <summary>Publishes what changed without a stored record changing, if anything did.</summary>
    public void PublishNews()
    {
        lock (_lock)
        {
            if (TryTerm(out var term) && term.UnpublishedNews) Publish(term);
        }
    }

    /// <summary>Loads the cluster and begins a term, after the lease was won.</summary>
    public async ValueTask<Status> BeginTermAsync(CancellationToken ct)
    {
        if (!await EnterAsync(ct)) return StatusCode.Cancelled;
        try
        {
            var loaded = await _kv.ReadAsync(tx => ClusterStore.LoadAsync(tx, ct), ct);
            if (!loaded.TryGet(out var stored)) return loaded.Status;
            var self = stored.Nodes.TryGetValue(Self.Id, out var known) ? Self with { Tags = known.Tags } : Self;
            var cluster = known == self ? stored : stored.With(self);
            var number = Lease.Number;
            var committed = ReferenceEquals(cluster, stored) ? Status.Ok : await CommitAsync(number, stored, cluster);
            if (!committed.IsOk) return committed;
            var grace = Timing.FailureTimeout + (Lease.TookFromSelf ? Timing.PrimaryLease : TimeSpan.Zero);
            lock (_lock)
            {
                _term = new Term(number, Self.Id, cluster, grace, Timing, Time);
                Publish(_term);
            }

            Work.Set();
            return Status.Ok;
        }
        finally
        {
            _writer.Release();
        }
    }

    public void EndTerm()
    {
        lock (_lock) _term = null;
        Board.WakeAll();
    }

    public Status NotPrimary()
    {
        var address = LeaseKeeper.AddressOf(Lease.Seen?.Owner);
        return new Status(StatusCode.NotPrimary, address == LeaseKeeper.AddressOf(Self) ? "" : address);
    }

    private bool TryTerm([NotNullWhen(true)] out Term? term)
    {
        term = _term;
        return term is not null && Lease.IsTrusted && term.Number == Lease.Number;
    }

    private void Publish(Term term) => Board.Publish(Snapshots.Of(term, term.NextVersion()));

    private async ValueTask<Status> CommitAsync(uint term, ClusterRecord from, ClusterRecord to)
    {
        // Not cancellable: once it may have been applied it has to be seen through.
        var status = await _kv.RunAsync(async attempt =>
        {
            var fence = await Lease.FenceAsync(attempt.Transaction, term, CancellationToken.None);
            if (fence.IsOk) ClusterStore.WriteDifference(attempt.Transaction, from, to);
            return fence;
        });
        // The engine continues on a thread of its own, which must not do our work.
        await Task.Yield();
        if (status.IsOk || status.Code is StatusCode.TxTooLarge or StatusCode.InvalidArgument) return status;
        MgmtdLog.CommitFailed(Log, term, status);
        Lease.Resign();
        return status;
    }

    private async ValueTask<bool> EnterAsync(CancellationToken ct)
    {
        await _writer.WaitAsync();
        if (!ct.IsCancellationRequested) return true;
        _writer.Release();
        return false;
    }
}
