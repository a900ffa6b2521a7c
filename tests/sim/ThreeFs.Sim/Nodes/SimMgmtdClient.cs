using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Sim.Network;
using ThreeFs.Sim.World;

namespace ThreeFs.Sim.Nodes;

/// <summary>
/// The cluster manager as one process calls it: at the host that answered as primary last, else at the next. What the gRPC client
/// does, over the simulated network.
/// </summary>
internal sealed class SimMgmtdClient(SimRpc<IMgmtdService> rpc, SimProcess process, ImmutableArray<string> hosts) : IMgmtdService
{
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(1);
    private int _guess;

    public ValueTask<Result<NodeInfo?>> GetPrimaryAsync(string clusterId, CancellationToken ct) =>
        CallAsync((m, stop) => m.GetPrimaryAsync(clusterId, stop), _timeout, ct);

    public ValueTask<Result<RoutingInfo?>> GetRoutingAsync(string clusterId, RoutingVersion have, CancellationToken ct) =>
        GetRoutingAsync(clusterId, have, TimeSpan.Zero, ct);

    public ValueTask<Result<RoutingInfo?>> GetRoutingAsync(string clusterId, RoutingVersion have, TimeSpan wait, CancellationToken ct) =>
        CallAsync((m, stop) => m.GetRoutingAsync(clusterId, have, wait, stop), _timeout + wait, ct);

    public ValueTask<Result<HeartbeatReply>> HeartbeatAsync(string clusterId, Heartbeat heartbeat, CancellationToken ct) =>
        CallAsync((m, stop) => m.HeartbeatAsync(clusterId, heartbeat, stop), _timeout, ct);

    public ValueTask<Result<ClientSessions>> ListClientSessionsAsync(string clusterId, CancellationToken ct) =>
        CallAsync((m, stop) => m.ListClientSessionsAsync(clusterId, stop), _timeout, ct);

    public ValueTask<Status> ExtendClientSessionAsync(string clusterId, ClientSession session, CancellationToken ct) =>
        StatusAsync((m, stop) => m.ExtendClientSessionAsync(clusterId, session, stop), ct);

    public ValueTask<Status> SetChainsAsync(string clusterId, ImmutableArray<ChainSetting> chains, CancellationToken ct) =>
        StatusAsync((m, stop) => m.SetChainsAsync(clusterId, chains, stop), ct);

    public ValueTask<Result<ChainTableVersion>> SetChainTableAsync(
        string clusterId, ChainTableId id, ImmutableArray<ChainId> chains, string description, CancellationToken ct) =>
        CallAsync((m, stop) => m.SetChainTableAsync(clusterId, id, chains, description, stop), _timeout, ct);

    public ValueTask<Status> RegisterNodeAsync(string clusterId, NodeId id, NodeKind kind, CancellationToken ct) =>
        StatusAsync((m, stop) => m.RegisterNodeAsync(clusterId, id, kind, stop), ct);

    public ValueTask<Status> UnregisterNodeAsync(string clusterId, NodeId id, CancellationToken ct) =>
        StatusAsync((m, stop) => m.UnregisterNodeAsync(clusterId, id, stop), ct);

    public ValueTask<Status> SetNodeEnabledAsync(string clusterId, NodeId id, bool enabled, CancellationToken ct) =>
        StatusAsync((m, stop) => m.SetNodeEnabledAsync(clusterId, id, enabled, stop), ct);

    public ValueTask<Status> SetNodeTagsAsync(
        string clusterId, NodeId id, ImmutableSortedDictionary<string, string> tags, CancellationToken ct) =>
        StatusAsync((m, stop) => m.SetNodeTagsAsync(clusterId, id, tags, stop), ct);

    public ValueTask<Result<ChainInfo>> AddTargetAsync(string clusterId, ChainId chain, TargetId target, TargetId replaces, CancellationToken ct) =>
        CallAsync((m, stop) => m.AddTargetAsync(clusterId, chain, target, replaces, stop), _timeout, ct);

    public ValueTask<Result<ChainInfo>> RemoveTargetAsync(string clusterId, ChainId chain, TargetId target, CancellationToken ct) =>
        CallAsync((m, stop) => m.RemoveTargetAsync(clusterId, chain, target, stop), _timeout, ct);

    public ValueTask<Result<ChainInfo>> RotateLastServingAsync(string clusterId, ChainId chain, CancellationToken ct) =>
        CallAsync((m, stop) => m.RotateLastServingAsync(clusterId, chain, stop), _timeout, ct);

    public ValueTask<Result<ChainInfo>> SetPreferredOrderAsync(
        string clusterId, ChainId chain, ImmutableArray<TargetId> order, CancellationToken ct) =>
        CallAsync((m, stop) => m.SetPreferredOrderAsync(clusterId, chain, order, stop), _timeout, ct);

    public ValueTask<Result<ImmutableArray<TargetInfo>>> ListOrphanTargetsAsync(string clusterId, CancellationToken ct) =>
        CallAsync((m, stop) => m.ListOrphanTargetsAsync(clusterId, stop), _timeout, ct);

    public ValueTask<Result<ulong>> SetConfigAsync(string clusterId, NodeKind kind, string content, string description, CancellationToken ct) =>
        CallAsync((m, stop) => m.SetConfigAsync(clusterId, kind, content, description, stop), _timeout, ct);

    public ValueTask<Result<ConfigInfo?>> GetConfigAsync(string clusterId, NodeKind kind, CancellationToken ct) =>
        CallAsync((m, stop) => m.GetConfigAsync(clusterId, kind, stop), _timeout, ct);

    private async ValueTask<Status> StatusAsync(Func<IMgmtdService, CancellationToken, ValueTask<Status>> call, CancellationToken ct)
    {
        var result = await CallAsync<bool>(
            async (m, stop) => await call(m, stop) is { IsOk: false } failed ? failed : true, _timeout, ct);
        return result.Status;
    }

    private async ValueTask<Result<T>> CallAsync<T>(
        Func<IMgmtdService, CancellationToken, ValueTask<Result<T>>> call, TimeSpan timeout, CancellationToken ct)
    {
        Result<T> result = new Status(StatusCode.Unavailable, "no cluster manager was asked");
        for (var i = 0; i < hosts.Length && !ct.IsCancellationRequested; i++)
        {
            var asked = _guess;
            result = await rpc.CallAsync(process, hosts[asked], call, timeout, ct);
            if (result.Code is StatusCode.Cancelled or not (StatusCode.NotPrimary or StatusCode.ConnectFailed or StatusCode.ConnectionLost
                or StatusCode.DeadlineExceeded)) return result;
            if (_guess == asked) _guess = (asked + 1) % hosts.Length;
        }

        return result;
    }
}
