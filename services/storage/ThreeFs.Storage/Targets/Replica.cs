using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.Craq;
using ThreeFs.Storage.Reads;
using ThreeFs.Storage.Recovery;
using ThreeFs.Storage.Threading;
using ThreeFs.Storage.Updates;

namespace ThreeFs.Storage.Targets;

/// <summary>
/// One target at work: its chunks, its place in its chain, and the operations on them. Owned by one executor; every call comes and
/// completes there.
/// </summary>
/// <remarks>
/// The decisions are made by <see cref="UpdateRules"/>, <see cref="ReadRules"/>, <see cref="SyncRules"/> and
/// <see cref="TargetStanding"/>; this class and its helpers carry them out: <see cref="UpdateRunner"/> (write path),
/// <see cref="ReadRunner"/>, <see cref="PendingResolver"/> (contents nobody drives), <see cref="Resyncer"/> (a returning
/// successor), <see cref="Repairer"/> (damaged chunks), <see cref="Scrubber"/> (looks for them).
/// <para>
/// What happens when routing shows another place: whoever waits for the old successor is woken; a target that becomes the read
/// tail commits what is pending before it shows any of it; one that becomes the authority again commits what is
/// pending before it serves at all; what a target knew of clients' channels is forgotten when it begins to sync.
/// </para>
/// </remarks>
public sealed class Replica : IAsyncDisposable
{
    private readonly HashSet<ChunkId> _inherited = [];
    private CancellationTokenSource _placeChange = new();
    private RoutingVersion _applied;
    private ulong _forwardEpoch;
    private bool _takesOver;
    private bool _mayRecover;
    private volatile bool _isTakenOut;
    private bool _syncEnds;
    private Deadline _recoverAt;
    private bool _stopped;
    private long _usedBytes;
    private SpaceInfo _space;

    public Replica(ChunkStore store, int diskIndex, ReplicaServices services)
    {
        Store = store;
        DiskIndex = diskIndex;
        Services = services;
        Place = ChainPlace.Unknown(store.Identity.Target, store.Identity.Chain);
        Standing = TargetStanding.Started;
        Locks = new ChunkLocks(services.Limits.ChunkQueue);
        Repairer = new Repairer(this);
        Updates = new UpdateRunner(this);
        Reads = new ReadRunner(this);
        Resolver = new PendingResolver(this);
        Resyncer = new Resyncer(this);
        Scrubber = new Scrubber(this);
    }

    public TargetId Target => Store.Identity.Target;
    public ChainId Chain => Store.Identity.Chain;
    public int DiskIndex { get; }
    public ChunkStore Store { get; }
    public ChainPlace Place { get; private set; }
    public TargetStanding Standing { get; private set; }

    /// <summary>As last reported; any thread.</summary>
    public long UsedBytes => Volatile.Read(ref _usedBytes);

    /// <summary>
    /// What this target acknowledges must be on stable storage first. While it syncs that is left to the end of the resync, which flushes all of
    /// it; but what comes after that flush and before the target serves is flushed at once, whatever the durability: a client that flushes
    /// asks the serving targets only, and does not ask again when this one joins them.
    /// </summary>
    internal bool FlushesUpdates =>
        Place.State == TargetState.Syncing ? _syncEnds : Services.Limits.Durability == Durability.Write;

    /// <summary>
    /// There is room for more than updates of existing chunks. Asked anew for each new chunk: a fast writer fills a small disk between two reports.
    /// </summary>
    internal bool TakesNewChunks()
    {
        var space = Store.GetSpace();
        return space.FreeBytes >= space.CapacityBytes * Services.Limits.NewChunkReserve;
    }

    /// <summary>Reads under way and chunks being updated; any thread may look.</summary>
    public int InFlight => Reads.InFlight + Locks.Held;

    public ResyncProgress Resync => Resyncer.Progress;
    public ScrubProgress Scrub => Scrubber.Progress;

    /// <summary>Chunks whose stored bytes are damaged and not repaired yet; any thread.</summary>
    public int DamagedChunks => Repairer.DamagedCount;

    public ReplicaServices Services { get; }
    internal ChunkLocks Locks { get; }
    internal CutFences Cuts { get; } = new();
    internal UpdateRunner Updates { get; }
    internal ReadRunner Reads { get; }
    internal PendingResolver Resolver { get; }
    internal Resyncer Resyncer { get; }
    internal Repairer Repairer { get; }
    internal Scrubber Scrubber { get; }

    /// <summary>Where the successor, the predecessor and the read tail live now; null when not known or not active.</summary>
    internal NodeInfo? SuccessorNode { get; private set; }
    internal NodeInfo? PredecessorNode { get; private set; }
    internal NodeInfo? TailNode { get; private set; }

    /// <summary>Where the chain's other serving targets live: the neighbours first.</summary>
    internal NodeInfo[] ServingPeers { get; private set; } = [];

    /// <summary>Where those live that do not serve: what they have may be old.</summary>
    internal NodeInfo[] OtherPeers { get; private set; } = [];

    /// <summary>Cancelled when the place changes: whoever waits for a neighbour looks again.</summary>
    internal CancellationToken PlaceChange => _placeChange.Token;

    /// <summary>May answer: nobody can have taken this target's place in a way that it does not know of.</summary>
    internal bool HoldsLease => Services.Lease.IsHeld && _applied >= Services.Lease.Routing;

    /// <summary>
    /// Ends when the target stops vouching for its content, and with each version of its chain in which it does not. What is begun in one tenure does not
    /// go on in the next: the chain may have gone on without this target.
    /// </summary>
    internal long Tenure { get; private set; }

    internal bool HasInherited => _inherited.Count > 0;

    public bool IsStopped => _stopped;

    internal bool IsInherited(ChunkId chunk) => _inherited.Contains(chunk);

    internal void Settled(ChunkId chunk)
    {
        if (_inherited.Count > 0) _inherited.Remove(chunk);
    }

    /// <summary>An update from a client or from the predecessor; completes when everybody behind has it, or with the reason why not.</summary>
    public ValueTask<UpdateResult> UpdateAsync(UpdateRequest request, IoSlices payload, UpdateSource source, Deadline deadline) =>
        Updates.RunAsync(request, payload, source, isOfRange: false, deadline);

    /// <summary>Reads into the first bytes of the destination.</summary>
    public ValueTask<ReadResult> ReadAsync(ReadOp op, ReadFlags flags, IoSlices destination, Deadline deadline) =>
        Reads.RunAsync(op, flags, destination, deadline);

    /// <summary>See <see cref="ReadRunner.TryLocate"/>.</summary>
    public ContentHold? TryLocate(in ReadOp op, out ReadResult result) => Reads.TryLocate(op, out result);

    /// <summary>See <see cref="ReadRunner.TryGetPlace"/>.</summary>
    public StatusCode TryGetPlace(in ReadOp op, Span<uint> checksums, out ContentPlace place, out TimeSpan valid) =>
        Reads.TryGetPlace(op, checksums, out place, out valid);

    /// <summary>As read tail: the committed version, length and checksum of a chunk; version 0 when there is none.</summary>
    public UpdateResult QueryCommitted(QueryCommittedRequest request)
    {
        var code = HoldsLease ? ReadRules.GateQueryCommitted(Place, Standing.Local, request.Chain) : StatusCode.TargetNotServing;
        if (code != StatusCode.Ok) return Refuse(code, request.Chain);
        var chunk = Store.Chunk(request.Chunk);
        return ReadRules.Decide(Place, chunk, ReadFlags.None, IsInherited(request.Chunk)) == ReadStep.Wait
            ? Refuse(StatusCode.ChunkNotCommitted, request.Chain)
            : chunk.Committed.ToResult(StatusCode.Ok, Place.Chain.Version);
    }

    /// <summary>The end of a file as this replica knows it: whatever was acknowledged is committed on every serving replica.</summary>
    public LastChunk QueryLast(QueryLastRequest request)
    {
        var code = IsStopped || !HoldsLease
            ? StatusCode.TargetNotServing
            : ReadRules.Gate(Place, Standing.Local, request.Chain);
        return code == StatusCode.Ok
            ? Store.QueryLast(request.Inode, request.FirstIndex, request.LastIndex)
            : LastChunk.None(Refuse(code, request.Chain).Code);
    }

    /// <summary>A page of what this replica holds, whatever its state; fewer than there is room for: no more follow.</summary>
    public int ListChunks(ChunkId? after, Span<ChunkState> page)
    {
        if (after == ChunkIds.Max) return 0;
        return Store.List(after is { } id ? ChunkIds.Next(id) : default, ChunkIds.Max, page);
    }

    /// <summary>
    /// Whether a predecessor may compare what this replica holds, and give it the rest, in this version of the chain. UpdateInProgress: what
    /// was begun in an earlier tenure is not over, and nobody knows yet what it leaves.
    /// </summary>
    public StatusCode GateResync(ChainVersion version)
    {
        var code = GateSyncDone(new VersionedChain(Chain, version));
        if (code != StatusCode.Ok) return Refuse(code, new VersionedChain(Chain, version)).Code;
        return Locks.HasMarked ? StatusCode.UpdateInProgress : StatusCode.Ok;
    }

    /// <summary>
    /// The predecessor says that everything was sent, and what it knows of its channels. Flushed first, so that the chain's
    /// promises hold here too.
    /// </summary>
    public async ValueTask<UpdateResult> SyncDoneAsync(VersionedChain chain, ReadOnlyMemory<ChannelUpdate> channels)
    {
        var code = GateSyncDone(chain);
        if (code != StatusCode.Ok) return Refuse(code, chain);
        _syncEnds = true; // what is prepared from here on may come too late for the flush below
        code = Store.AdoptChannels(channels.Span);
        if (code == StatusCode.Ok) code = await Store.FlushAsync();
        if (code != StatusCode.Ok)
        {
            Fail(new Status(code, "flush at the end of a resync failed"), mayRecover: true);
            return Refuse(StatusCode.TargetNotServing, chain);
        }

        code = GateSyncDone(chain);
        if (code != StatusCode.Ok) return Refuse(code, chain);
        Stand(Standing.SyncDone());
        return new UpdateResult(StatusCode.Ok, default, default, 0, 0, Place.Chain.Version);
    }

    private StatusCode GateSyncDone(VersionedChain chain) =>
        Place.State != TargetState.Syncing || Standing.Local == LocalTargetState.Offline ? StatusCode.TargetNotServing
        : chain.Version != Place.Chain.Version ? StatusCode.ChainVersionMismatch
        : StatusCode.Ok;

    /// <summary>Everything acknowledged before is on stable storage here.</summary>
    public async ValueTask<FlushResult> FlushAsync(VersionedChain chain)
    {
        var code = GateFlush(chain);
        if (code == StatusCode.Ok) code = await Store.FlushAsync();
        if (code == StatusCode.IoError) Fail(new Status(code, "flush failed"), mayRecover: false);

        // A target that joined meanwhile was not asked to flush: the caller has to ask its new chain.
        if (code == StatusCode.Ok) code = GateFlush(chain);
        return new FlushResult(code, Place.Chain.Version);
    }

    private StatusCode GateFlush(VersionedChain chain)
    {
        if (!HoldsLease || !Place.IsServing || Standing.Local != LocalTargetState.UpToDate) return StatusCode.TargetNotServing;
        return chain.Version == Place.Chain.Version ? StatusCode.Ok : StatusCode.ChainVersionMismatch;
    }

    /// <summary>A refusal with this replica's chain version; whoever is behind is told to catch up.</summary>
    internal UpdateResult Refuse(StatusCode code, VersionedChain asked)
    {
        if (asked.Version > Place.Chain.Version) Services.Routing.RequestRefresh();
        return new UpdateResult(code, default, default, 0, 0, Place.Chain.Version);
    }

    /// <summary>False: the update came over an older connection than another one before it.</summary>
    internal bool IsInOrder(ulong forwardEpoch)
    {
        if (forwardEpoch < _forwardEpoch) return false;
        _forwardEpoch = forwardEpoch;
        return true;
    }

    /// <summary>Takes the newest routing. Older pictures of the chain than the one acted on are ignored.</summary>
    public void Apply(RoutingInfo routing)
    {
        if (_stopped) return;
        if (routing.Version > _applied) _applied = routing.Version;
        var place = routing.Chains.TryGetValue(Chain, out var chain)
            ? ChainPlace.Of(chain, Target)
            : ChainPlace.Unknown(Target, Chain);
        if (place.Chain.Version < Place.Chain.Version) return;
        var old = Place;
        Place = place;
        SuccessorNode = NodeOf(routing, place.Successor);
        PredecessorNode = NodeOf(routing, place.Predecessor);
        TailNode = NodeOf(routing, place.ReadTail);
        ServingPeers = PeersOf(routing, chain, place, serving: true);
        OtherPeers = PeersOf(routing, chain, place, serving: false);
        if (place.Chain.Version == old.Chain.Version && place.State == old.State) return;
        Store.RevokePlaces();
        _forwardEpoch = 0;
        _syncEnds = false;
        Log.PlaceChanged(Services.Log, Target, place);
        if (Standing.BecomesAuthority(place))
        {
            if (!_takesOver) TakeOverAsync().Guard(Services);
        }
        else
        {
            Stand(Standing.Observe(place));
        }

        if (Standing.Local != LocalTargetState.UpToDate) BeginTenure();

        // What it did before, or under another predecessor, may not be what the chain did; the predecessor tells at the end.
        if (place.State == TargetState.Syncing) Store.ClearChannels();
        Inherit(old);
        if (place.IsHead && !old.IsHead) Resolver.BecameHead();
        WakeWaiters();
        Resyncer.Reconsider();
        Services.Observer.StandingChanged(this);
    }

    /// <summary>Nobody but this target knows what was acknowledged last: all of it counts, before anybody reads.</summary>
    private async Task TakeOverAsync()
    {
        _takesOver = true;
        var code = await Resolver.CommitAllAsync();
        _takesOver = false;
        if (code != StatusCode.Ok)
        {
            Fail(new Status(code, "pending updates could not be committed when taking over the chain"), mayRecover: false);
            return;
        }

        Stand(Standing.Observe(Place));
        Resyncer.Reconsider();
        Services.Observer.StandingChanged(this);
    }

    /// <summary>The new read tail: what is pending now may have been shown by the old one.</summary>
    private void Inherit(ChainPlace old)
    {
        if (Standing.Local != LocalTargetState.UpToDate || !Place.IsServing)
        {
            _inherited.Clear();
            return;
        }

        if (!Place.IsReadTail || old.IsReadTail) return;
        Resolver.CollectPending(_inherited);
        if (_inherited.Count > 0) Resolver.CommitInheritedAsync([.. _inherited]).Guard(Services);
    }

    private void Stand(TargetStanding next)
    {
        var old = Standing;
        Standing = next;
        if (old.Local == next.Local) return;
        Store.RevokePlaces();
        Log.StandingChanged(Services.Log, Target, Place.Chain, old.Local, next.Local);
        Services.Observer.StandingChanged(this);
    }

    /// <summary>Stops serving because it is asked to; see <see cref="TargetStanding.StepDown"/>. Again is Ok.</summary>
    public Status StepDown(VersionedChain chain)
    {
        if (chain.Version != Place.Chain.Version)
        {
            Refuse(StatusCode.ChainVersionMismatch, chain);
            return new Status(StatusCode.ChainVersionMismatch, $"target {Target} knows version {Place.Chain.Version} of chain {Chain}, not {chain.Version}");
        }

        if (_stopped || !Place.IsServing || Standing.Local != LocalTargetState.UpToDate) return Status.Ok;
        if (!Place.HasServingPeer) return new Status(StatusCode.Busy, $"target {Target} is the only one that serves chain {Chain}");
        Log.StepsDown(Services.Log, Target, Place.Chain);
        Stand(Standing.StepDown());
        BeginTenure();
        WakeWaiters();
        return Status.Ok;
    }

    /// <summary>Stops serving at once and tells mgmtd. With <paramref name="mayRecover"/> the target comes back for a resync later.</summary>
    internal void Fail(Status reason, bool mayRecover)
    {
        if (Standing.Local == LocalTargetState.Offline || _stopped) return;
        Log.TargetFailed(Services.Log, Target, Place.Chain, reason);
        _mayRecover = mayRecover;
        _recoverAt = Deadline.In(Services.Limits.RecoverAfter, Services.Time);
        Stand(Standing.Fail());
        BeginTenure();
        WakeWaiters();
    }

    /// <summary>Its disk is why the target does not serve; any thread.</summary>
    public bool IsTakenOut => _isTakenOut;

    /// <summary>It was taken out, and so was every other one of its chain: two disks may be found slow in the same moment.</summary>
    public bool IsWaitedFor => _isTakenOut && Place.State == TargetState.LastServing;

    /// <summary>
    /// The target's disk is not fit for service. With <paramref name="unlessLast"/> the target goes on when no other one of its chain serves.
    /// </summary>
    public void TakeOut(Status reason, bool unlessLast)
    {
        if (unlessLast && Place.IsServing && !Place.OthersServe) return;
        if (Standing.Local == LocalTargetState.Offline && !_isTakenOut) return; // it failed for a reason of its own
        Fail(reason, mayRecover: false);
        _isTakenOut = true;
    }

    /// <summary>The disk is fit again. What the target holds is what it had when it was taken out, so it may also be the one its chain waits for.</summary>
    public void BringBack(string reason)
    {
        if (!_isTakenOut || _stopped || !Store.Health.IsOk) return;
        var returned = Standing.Recover(contentIsTrusted: true);
        if (returned == Standing) return;
        _isTakenOut = false;
        Log.ComesBack(Services.Log, Target, Place.Chain, reason);
        Stand(returned);
    }

    /// <summary>
    /// Work that can wait; called by the owner every <see cref="StorageLimits.MaintainInterval"/>. Allocates nothing in steady state.
    /// </summary>
    /// <returns>What became of the store's maintenance; a failure has been dealt with.</returns>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<StatusCode> TickAsync()
    {
        if (_stopped) return StatusCode.Ok;
        if (!Store.Health.IsOk) Fail(Store.Health, mayRecover: false);
        if (_mayRecover && Standing.Local == LocalTargetState.Offline && _recoverAt.IsOver(Services.Time)) Stand(Standing.Recover());
        Resolver.Tick();
        Resyncer.Reconsider();
        Scrubber.Tick();
        Repairer.Tick();
        var code = await Store.MaintainAsync();
        if (code == StatusCode.IoError) Fail(new Status(code, "maintenance of the chunk store failed"), mayRecover: false);
        return code;
    }

    /// <summary>What the next heartbeat says of this target.</summary>
    public LocalTarget Report()
    {
        // A stopped one's files may be gone.
        var space = _stopped ? _space : _space = Store.GetSpace();
        Volatile.Write(ref _usedBytes, space.UsedBytes);
        return new LocalTarget(Target, Standing.Local, Standing.Acted, DiskIndex, space.UsedBytes, space.CapacityBytes, space.IsLow);
    }

    /// <summary>Stops serving; what is under way ends or stays pending. The store is closed by its owner.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stopped) return;
        _stopped = true;
        Standing = Standing.Fail();
        Store.RevokePlaces();
        WakeWaiters();
        await Resyncer.StopAsync();
        await Scrubber.StopAsync();
    }

    /// <summary>The engine met stored bytes without their checksum; called inside the engine.</summary>
    public void ReportDamage(ChunkId chunk)
    {
        Log.CorruptionFound(Services.Log, Target, chunk);
        Repairer.Report(chunk);
    }

    /// <summary>
    /// The disk could not read the chunk: it is written anew, elsewhere, with another replica's content. However often it is met until
    /// then, it counts against the disk once.
    /// </summary>
    public void ReportUnreadable(ChunkId chunk)
    {
        Log.Unreadable(Services.Log, Target, chunk);
        if (!Repairer.IsDamaged(chunk)) Services.Observer.ReadFailed(this);
        Repairer.Report(chunk);
    }

    private void BeginTenure()
    {
        Tenure++;
        Locks.Mark();
    }

    private void WakeWaiters()
    {
        var old = _placeChange;
        _placeChange = new CancellationTokenSource();
        old.Cancel();
        old.Dispose();
    }

    private static NodeInfo[] PeersOf(RoutingInfo routing, ChainInfo? chain, ChainPlace place, bool serving)
    {
        if (chain is null) return [];
        var others = chain.Targets.Where(t => t.State == TargetState.Serving == serving && t.Id != place.Target).Select(t => t.Id);
        return [.. others.OrderBy(t => t == place.Successor ? 0 : t == place.Predecessor ? 1 : 2).Select(routing.NodeOf).OfType<NodeInfo>()];
    }

    private static NodeInfo? NodeOf(RoutingInfo routing, TargetId? target) => target is { } id ? routing.NodeOf(id) : null;
}
