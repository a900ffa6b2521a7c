using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Kv;
using ThreeFs.Mgmtd.Background;
using ThreeFs.Mgmtd.Ops;
using ThreeFs.Mgmtd.State;

namespace ThreeFs.Mgmtd;

/// <summary>
/// One mgmtd: challenges for the primary's lease, and as primary watches the cluster and answers. Several of them on
/// one store make a highly available cluster manager; all that one knows and another must not lose is in the store.
/// <para>Thread-safe. Each operation is a class in Ops/, each loop one in Background/.</para>
/// </summary>
public sealed class MgmtdService : IMgmtdService, IAsyncDisposable
{
    private readonly MgmtdCore _core;
    private readonly GetPrimary _getPrimary;
    private readonly GetRouting _getRouting;
    private readonly TakeHeartbeat _takeHeartbeat;
    private readonly CancellationTokenSource _stop = new();
    private Task? _loops;

    public MgmtdService(MgmtdOptions options, IKvEngine kv, TimeProvider time, SeededRandom random, ILoggerFactory logs)
    {
        _core = new MgmtdCore(options, kv, time, random, logs.CreateLogger<MgmtdService>());
        _getPrimary = new GetPrimary(_core);
        _getRouting = new GetRouting(_core);
        _takeHeartbeat = new TakeHeartbeat(_core);
    }

    internal MgmtdCore Core => _core;

    public bool IsPrimary => _core.IsPrimary;

    /// <summary>The term this process is primary in, or was last; 0 before.</summary>
    public uint Term => _core.Lease.Number;

    /// <summary>The newest snapshot, for metrics; null when not primary.</summary>
    public RoutingInfo? Picture => _core.IsPrimary ? _core.Board.Current : null;

    /// <summary>Client processes with a session; 0 when not primary.</summary>
    public int SessionCount => _core.Read(term => term.Sessions.Count) is var count && count.IsOk ? count.Value : 0;

    /// <summary>Targets that are reported and in no chain; 0 when not primary.</summary>
    public int OrphanCount => _core.Read(term => term.Nodes.Values.Sum(n => n.Orphans.Count)) is var count && count.IsOk
        ? count.Value
        : 0;

    /// <summary>Faults when a background loop broke an invariant: the process must not go on.</summary>
    public Task Completion => _loops ?? Task.CompletedTask;

    /// <summary>Starts the loops. Call once.</summary>
    public void Start()
    {
        Invariant.Check(_loops is null, "a mgmtd is started once");
        var ct = _stop.Token;
        _loops = FirstFailureAsync(
            new LeaseLoop(_core).RunAsync(ct),
            new ChainUpdater(_core).RunAsync(ct),
            new HeartbeatChecker(_core).RunAsync(ct),
            new SessionPruner(_core).RunAsync(ct),
            new SpacePublisher(_core).RunAsync(ct));
    }

    /// <summary>Stops the loops and gives the lease up, so that another mgmtd takes over at once.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        if (_loops is not null) await _loops;
        _core.EndTerm();
        await _core.Lease.ReleaseAsync(CancellationToken.None);
        _core.Dispose();
    }

    public ValueTask<Result<NodeInfo?>> GetPrimaryAsync(string clusterId, CancellationToken ct) =>
        WrongCluster(clusterId) is { IsOk: false } wrong ? new(wrong) : _getPrimary.RunAsync(ct);

    public ValueTask<Result<RoutingInfo?>> GetRoutingAsync(
        string clusterId, RoutingVersion have, CancellationToken ct) =>
        GetRoutingAsync(clusterId, have, TimeSpan.Zero, ct);

    public ValueTask<Result<RoutingInfo?>> GetRoutingAsync(
        string clusterId, RoutingVersion have, TimeSpan wait, CancellationToken ct) =>
        WrongCluster(clusterId) is { IsOk: false } wrong ? new(wrong) : _getRouting.RunAsync(have, wait, ct);

    public ValueTask<Result<HeartbeatReply>> HeartbeatAsync(
        string clusterId, Heartbeat heartbeat, CancellationToken ct) =>
        WrongCluster(clusterId) is { IsOk: false } wrong ? new(wrong) : _takeHeartbeat.RunAsync(heartbeat, ct);

    public ValueTask<Status> RegisterNodeAsync(string clusterId, NodeId id, NodeKind kind, CancellationToken ct) =>
        StatusOf(ChangeAsync(clusterId, term => RegisterNode.Apply(term.Cluster, id, kind), ct));

    public ValueTask<Status> UnregisterNodeAsync(string clusterId, NodeId id, CancellationToken ct) =>
        StatusOf(ChangeAsync(clusterId, term => UnregisterNode.Apply(term, id), ct));

    public ValueTask<Status> SetNodeEnabledAsync(string clusterId, NodeId id, bool enabled, CancellationToken ct) =>
        StatusOf(ChangeAsync(clusterId, term => SetNodeEnabled.Apply(term.Cluster, term.Self, id, enabled), ct));

    public ValueTask<Status> SetNodeTagsAsync(
        string clusterId, NodeId id, ImmutableSortedDictionary<string, string> tags, CancellationToken ct) =>
        StatusOf(ChangeAsync(clusterId, term => SetNodeTags.Apply(term.Cluster, id, tags), ct));

    public ValueTask<Status> SetChainsAsync(
        string clusterId, ImmutableArray<ChainSetting> chains, CancellationToken ct) =>
        StatusOf(ChangeAsync(clusterId, term => SetChains.Apply(term.Cluster, chains), ct));

    public ValueTask<Result<ChainTableVersion>> SetChainTableAsync(
        string clusterId, ChainTableId id, ImmutableArray<ChainId> chains, string description, CancellationToken ct) =>
        ChangeAsync(clusterId, term => SetChainTable.Apply(term.Cluster, id, chains, description), ct);

    public ValueTask<Result<ChainInfo>> AddTargetAsync(
        string clusterId, ChainId chain, TargetId target, TargetId replaces, CancellationToken ct) =>
        ChangeAsync(clusterId, term => AddTarget.Apply(term.Cluster, chain, target, replaces), ct);

    public ValueTask<Result<ChainInfo>> RemoveTargetAsync(
        string clusterId, ChainId chain, TargetId target, CancellationToken ct) =>
        ChangeAsync(clusterId, term => RemoveTarget.Apply(term.Cluster, chain, target), ct);

    public ValueTask<Result<ChainInfo>> RotateLastServingAsync(string clusterId, ChainId chain, CancellationToken ct) =>
        ChangeAsync(clusterId, term => RotateLastServing.Apply(term.Cluster, chain), ct);

    public ValueTask<Result<ChainInfo>> SetPreferredOrderAsync(
        string clusterId, ChainId chain, ImmutableArray<TargetId> order, CancellationToken ct) =>
        ChangeAsync(clusterId, term => SetPreferredOrder.Apply(term.Cluster, chain, order), ct);

    public ValueTask<Result<ImmutableArray<TargetInfo>>> ListOrphanTargetsAsync(
        string clusterId, CancellationToken ct) =>
        new(Read(clusterId, ListOrphanTargets.Of));

    public ValueTask<Result<ulong>> SetConfigAsync(
        string clusterId, NodeKind kind, string content, string description, CancellationToken ct) =>
        ChangeAsync(clusterId, term => SetConfig.Apply(term.Cluster, kind, content, description), ct);

    public ValueTask<Result<ConfigInfo?>> GetConfigAsync(string clusterId, NodeKind kind, CancellationToken ct) =>
        new(WrongCluster(clusterId) is { IsOk: false } wrong ? wrong : _core.Read(term => GetConfig.Of(term, kind)));

    public ValueTask<Status> ExtendClientSessionAsync(string clusterId, ClientSession session, CancellationToken ct)
    {
        var outcome = Read(clusterId, term => ExtendClientSession.Run(term, session, _core.Time.GetUtcNow()));
        return new(outcome.TryGet(out var status) ? status : outcome.Status);
    }

    public ValueTask<Result<ClientSessions>> ListClientSessionsAsync(string clusterId, CancellationToken ct) =>
        new(Read(clusterId, ListClientSessions.Of));

    private Status WrongCluster(string clusterId) => clusterId == _core.Options.ClusterId
        ? Status.Ok
        : new Status(
            StatusCode.ClusterMismatch, $"this is cluster \"{_core.Options.ClusterId}\", you ask for \"{clusterId}\"");

    private Result<T> Read<T>(string clusterId, Func<Term, T> read) =>
        WrongCluster(clusterId) is { IsOk: false } wrong ? wrong : _core.Read(read);

    private async ValueTask<Result<T>> ChangeAsync<T>(
        string clusterId, Func<Term, Result<Change<T>>> change, CancellationToken ct)
    {
        var wrong = WrongCluster(clusterId);
        if (!wrong.IsOk) return wrong;
        var outcome = await _core.ChangeAsync(change, ct);
        _core.Work.Set();
        return outcome;
    }

    private static async ValueTask<Status> StatusOf(ValueTask<Result<bool>> outcome) => (await outcome).Status;

    /// <summary>
    /// All loops end when asked to; one that ends with an exception must not wait for the others to be noticed.
    /// </summary>
    private static async Task FirstFailureAsync(params Task[] loops)
    {
        var running = loops.ToList();
        while (running.Count > 0)
        {
            var ended = await Task.WhenAny(running);
            running.Remove(ended);
            await ended;
        }
    }
}
