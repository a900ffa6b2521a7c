using ThreeFs.Base;
using ThreeFs.Kv;
using ThreeFs.Mgmtd.Records;

namespace ThreeFs.Mgmtd.Lease;

internal enum LeaseEvent
{
    /// <summary>Nothing new: still primary, or still not.</summary>
    None,
    Won,
    Lost,
}

/// <summary>
/// Gets, keeps and loses the primary's lease in the store; the argument for its safety is on <see cref="MgmtdTiming"/>.
/// <see cref="StepAsync"/> is called every beat by one caller; the properties may be read on any thread.
/// </summary>
/// <remarks>
/// The lease record is written durably and only when the primary changes. A beat is a relaxed commit: losing some in a
/// power failure only makes a challenger's observation start anew.
/// </remarks>
internal sealed class LeaseKeeper(NodeRecord self, MgmtdTiming timing, KvRetry kv, TimeProvider time)
{
    private readonly LeaseWatch _watch = new(timing.PrimaryLease);
    private readonly long _epoch = time.GetTimestamp();
    private long _trustedUntil = long.MinValue;
    private uint _term;
    private bool _holds;
    private volatile bool _resigned;
    private ulong _beat;
    private volatile LeaseRecord? _seen;

    /// <summary>The term of the lease this process holds or held last.</summary>
    public uint Number => Volatile.Read(ref _term);

    /// <summary>Whether this process may act as primary now.</summary>
    public bool IsTrusted => !_resigned && time.GetTimestamp() < Volatile.Read(ref _trustedUntil);

    /// <summary>The lease was taken from an earlier process of the same node, without waiting for its end.</summary>
    public bool TookFromSelf { get; private set; }

    /// <summary>The lease as this process saw it last.</summary>
    public LeaseRecord? Seen => _seen;

    /// <summary>Memory and store may differ: stop acting now and win a new term, which reloads. Any thread.</summary>
    public void Resign() => _resigned = true;

    public async ValueTask<Result<LeaseEvent>> StepAsync(CancellationToken ct)
    {
        if (_holds && _resigned) return Lose();
        return _holds ? await ExtendAsync(ct) : await ChallengeAsync(ct);
    }

    /// <summary>Gives the lease up, so that another may take it at once; best effort.</summary>
    public async ValueTask ReleaseAsync(CancellationToken ct)
    {
        if (!_holds) return;
        var term = _term;
        Lose();
        await kv.RunAsync(
            async attempt =>
            {
                var fence = await FenceAsync(attempt.Transaction, term, ct);
                if (fence.IsOk) attempt.Transaction.Set(RecordKeys.Lease, new LeaseRecord(term, null).Encode());
                return fence;
            },
            ct: ct);
    }

    /// <summary>
    /// Joins a transaction of a term to the lease: answers NotPrimary when it is not held any more, and a take-over
    /// that commits before the transaction makes it conflict.
    /// </summary>
    public async ValueTask<Status> FenceAsync(IKvTransaction transaction, uint term, CancellationToken ct)
    {
        var stored = await ReadAsync(transaction, ct);
        if (!stored.IsOk) return stored.Status;
        var lease = stored.Value;
        return lease is { Owner: { } owner } && lease.Term == term && owner.Id == self.Id
            ? Status.Ok
            : new Status(StatusCode.NotPrimary, AddressOf(lease?.Owner));
    }

    /// <summary>The lease in the store; null before the first primary ever.</summary>
    public ValueTask<Result<LeaseRecord?>> LookAsync(CancellationToken ct) => kv.ReadAsync(tx => ReadAsync(tx, ct), ct);

    /// <summary>"host:port", or empty.</summary>
    public static string AddressOf(NodeRecord? node)
    {
        foreach (var endpoint in node?.Endpoints ?? [])
        {
            if (endpoint.Kind == Contracts.Routing.EndpointKind.Grpc) return endpoint.ToString();
        }

        return "";
    }

    private async ValueTask<Result<LeaseEvent>> ExtendAsync(CancellationToken ct)
    {
        var began = time.GetTimestamp();
        var status = await kv.RunAsync(
            async attempt =>
            {
                var fence = await FenceAsync(attempt.Transaction, _term, ct);
                if (fence.IsOk) attempt.Transaction.Set(RecordKeys.Beat, new BeatRecord(_term, _beat + 1).Encode());
                return fence;
            },
            KvDurability.Relaxed,
            ct);
        if (status.Code == StatusCode.NotPrimary) return Lose();
        if (!status.IsOk) return status;
        // Trust that lapsed means heartbeats were refused meanwhile: what the term knows of the living is outdated, a
        // new one is due.
        if (!IsTrusted) return Lose();
        _beat++;
        Trust(began);
        return LeaseEvent.None;
    }

    private async ValueTask<Result<LeaseEvent>> ChallengeAsync(CancellationToken ct)
    {
        var look = await kv.ReadAsync<(LeaseRecord? Lease, BeatRecord? Beat)>(tx => ReadBothAsync(tx, ct), ct);
        if (!look.TryGet(out var seen)) return look.Status;
        _seen = seen.Lease;
        if (!_watch.MayTake(seen.Lease, seen.Beat, self.Id, time.GetElapsedTime(_epoch))) return LeaseEvent.None;

        var began = time.GetTimestamp();
        var mine = new LeaseRecord((seen.Lease?.Term ?? 0) + 1, self);
        var taken = await kv.RunAsync(attempt => TakeAsync(attempt, seen.Lease, seen.Beat, mine, ct), ct: ct);
        if (taken.Code == StatusCode.NotPrimary)
        {
            _watch.Reset();
            return LeaseEvent.None;
        }

        if (!taken.IsOk) return taken;
        TookFromSelf = seen.Lease?.Owner?.Id == self.Id;
        Volatile.Write(ref _term, mine.Term);
        (_holds, _beat, _resigned, _seen) = (true, 1, false, mine);
        Trust(began);
        return LeaseEvent.Won;
    }

    private async ValueTask<Status> TakeAsync(
        KvAttempt attempt, LeaseRecord? seenLease, BeatRecord? seenBeat, LeaseRecord mine, CancellationToken ct)
    {
        var tx = attempt.Transaction;
        var stored = await ReadBothAsync(tx, ct);
        if (!stored.TryGet(out var now)) return stored.Status;
        var alreadyMine = attempt.MayHaveCommitted && now.Lease == mine;
        if (!alreadyMine && (now.Lease != seenLease || now.Beat != seenBeat))
            return new Status(StatusCode.NotPrimary, "another mgmtd was faster");
        var record = await tx.GetAsync(RecordKeys.Node(self.Id), ct: ct);
        if (!record.TryGet(out var bytes)) return record.Status;
        if (bytes.Exists)
        {
            var node = NodeRecord.Decode(bytes.Memory, self.Id);
            if (!node.IsOk) return node.Status;
            if (node.Value.IsDisabled) return new Status(StatusCode.NotPrimary, $"node {self.Id} is disabled");
        }

        tx.Set(RecordKeys.Lease, mine.Encode());
        tx.Set(RecordKeys.Beat, new BeatRecord(mine.Term, 1).Encode());
        return Status.Ok;
    }

    private LeaseEvent Lose()
    {
        Volatile.Write(ref _trustedUntil, long.MinValue);
        (_holds, _resigned) = (false, false);
        _watch.Reset();
        return LeaseEvent.Lost;
    }

    private void Trust(long began)
    {
        var trust = timing.PrimaryLease - timing.TrustMargin;
        Volatile.Write(ref _trustedUntil, began + (long)(trust.TotalSeconds * time.TimestampFrequency));
    }

    private static async ValueTask<Result<(LeaseRecord? Lease, BeatRecord? Beat)>> ReadBothAsync(
        IKvReadTransaction tx, CancellationToken ct)
    {
        var lease = await ReadAsync(tx, ct);
        if (!lease.IsOk) return lease.Status;
        var bytes = await tx.GetAsync(RecordKeys.Beat, ct: ct);
        if (!bytes.TryGet(out var value)) return bytes.Status;
        if (!value.Exists) return (lease.Value, (BeatRecord?)null);
        var beat = BeatRecord.Decode(value.Memory);
        return beat.IsOk ? (lease.Value, (BeatRecord?)beat.Value) : beat.Status;
    }

    private static async ValueTask<Result<LeaseRecord?>> ReadAsync(IKvReadTransaction tx, CancellationToken ct)
    {
        var bytes = await tx.GetAsync(RecordKeys.Lease, ct: ct);
        if (!bytes.TryGet(out var value)) return bytes.Status;
        if (!value.Exists) return (LeaseRecord?)null;
        var lease = LeaseRecord.Decode(value.Memory);
        return lease.IsOk ? (LeaseRecord?)lease.Value : lease.Status;
    }
}
