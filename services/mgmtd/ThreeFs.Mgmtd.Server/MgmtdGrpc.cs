using System.Collections.Immutable;
using System.Diagnostics;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Protos;
using ThreeFs.Protos.Mgmtd;
using Code = ThreeFs.Base.StatusCode;
using Status = ThreeFs.Base.Status;
using Wire = ThreeFs.Protos.Mgmtd;

namespace ThreeFs.Mgmtd.Server;

/// <summary>
/// The gRPC face of a <see cref="IMgmtdService"/>: maps, measures, and turns anything unexpected into a status, because
/// a caller must be able to tell a refused request from a broken connection.
/// </summary>
internal sealed class MgmtdGrpc(ServiceSlot slot, ILogger<MgmtdGrpc> log) : Wire.Mgmtd.MgmtdBase
{
    private static readonly WireSnapshot _snapshot = new();

    public override async Task<NodeReply> GetPrimary(ClusterRequest request, ServerCallContext context)
    {
        var (status, node) = await RunAsync(
            "get_primary", m => m.GetPrimaryAsync(request.Cluster, context.CancellationToken));
        return new NodeReply { Status = status, Node = node?.ToWire() };
    }

    public override async Task<RoutingReply> GetRouting(GetRoutingRequest request, ServerCallContext context)
    {
        var wait = request.Wait?.ToTimeSpan() ?? TimeSpan.Zero;
        var (status, routing) = await RunAsync(
            wait > TimeSpan.Zero ? null : "get_routing",
            m => m.GetRoutingAsync(request.Cluster, new RoutingVersion(request.Have), wait, context.CancellationToken));
        return new RoutingReply { Status = status, Routing = routing is null ? null : _snapshot.Of(routing) };
    }

    public override async Task<Wire.HeartbeatReply> Heartbeat(HeartbeatRequest request, ServerCallContext context)
    {
        var (status, reply) = await RunAsync(
            "heartbeat", m => m.HeartbeatAsync(request.Cluster, request.ToContract(), context.CancellationToken));
        var kind = Enum.IsDefined(request.Kind) ? Metrics.Name(request.Kind.ToContract()) : "unknown";
        Metrics.Heartbeats.WithLabels(kind, status.Code == 0 ? "ok" : Metrics.Name((Code)status.Code)).Inc();
        return reply is null ? new Wire.HeartbeatReply { Status = status } : reply.ToWire();
    }

    public override Task<StatusReply> RegisterNode(RegisterNodeRequest request, ServerCallContext context) =>
        StatusAsync("register_node", m =>
            m.RegisterNodeAsync(
                request.Cluster, new NodeId(request.Node), request.Kind.ToContract(), context.CancellationToken));

    public override Task<StatusReply> UnregisterNode(NodeRequest request, ServerCallContext context) =>
        StatusAsync(
            "unregister_node",
            m => m.UnregisterNodeAsync(request.Cluster, new NodeId(request.Node), context.CancellationToken));

    public override Task<StatusReply> SetNodeEnabled(SetNodeEnabledRequest request, ServerCallContext context) =>
        StatusAsync("set_node_enabled", m =>
            m.SetNodeEnabledAsync(
                request.Cluster, new NodeId(request.Node), request.Enabled, context.CancellationToken));

    public override Task<StatusReply> SetNodeTags(SetNodeTagsRequest request, ServerCallContext context) =>
        StatusAsync("set_node_tags", m => m.SetNodeTagsAsync(
            request.Cluster, new NodeId(request.Node), request.Tags.ToImmutableSortedDictionary(StringComparer.Ordinal),
            context.CancellationToken));

    public override Task<StatusReply> SetChains(SetChainsRequest request, ServerCallContext context) =>
        StatusAsync("set_chains", m => m.SetChainsAsync(
            request.Cluster, [.. request.Chains.Select(HeartbeatMapper.ToContract)], context.CancellationToken));

    public override async Task<ChainTableVersionReply> SetChainTable(
        SetChainTableRequest request, ServerCallContext context)
    {
        ImmutableArray<ChainId> chains = [.. request.Chains.Select(c => new ChainId(c))];
        var (status, version) = await RunAsync("set_chain_table", m => m.SetChainTableAsync(
            request.Cluster, new ChainTableId(request.Table), chains, request.Description, context.CancellationToken));
        return new ChainTableVersionReply { Status = status, Version = version.Value };
    }

    public override Task<ChainReply> AddTarget(ChainTargetRequest request, ServerCallContext context) =>
        ChainAsync("add_target", m => m.AddTargetAsync(
            request.Cluster, new ChainId(request.Chain), new TargetId(request.Target), new TargetId(request.Replaces),
            context.CancellationToken));

    public override Task<ChainReply> RemoveTarget(ChainTargetRequest request, ServerCallContext context) =>
        ChainAsync("remove_target", m =>
            m.RemoveTargetAsync(
                request.Cluster, new ChainId(request.Chain), new TargetId(request.Target), context.CancellationToken));

    public override Task<ChainReply> RotateLastServing(ChainRequest request, ServerCallContext context) =>
        ChainAsync(
            "rotate_last_serving",
            m => m.RotateLastServingAsync(request.Cluster, new ChainId(request.Chain), context.CancellationToken));

    public override Task<ChainReply> SetPreferredOrder(SetPreferredOrderRequest request, ServerCallContext context) =>
        ChainAsync("set_preferred_order", m => m.SetPreferredOrderAsync(
            request.Cluster, new ChainId(request.Chain), [.. request.Order.Select(t => new TargetId(t))],
            context.CancellationToken));

    public override async Task<TargetsReply> ListOrphanTargets(ClusterRequest request, ServerCallContext context)
    {
        var (status, targets) = await RunAsync(
            "list_orphan_targets", m => m.ListOrphanTargetsAsync(request.Cluster, context.CancellationToken));
        var reply = new TargetsReply { Status = status };
        if (!targets.IsDefault) reply.Targets.AddRange(targets.Select(RoutingMapper.ToWire));
        return reply;
    }

    public override async Task<ConfigVersionReply> SetConfig(SetConfigRequest request, ServerCallContext context)
    {
        var (status, version) = await RunAsync("set_config", m => m.SetConfigAsync(
            request.Cluster, request.Kind.ToContract(), request.Content, request.Description,
            context.CancellationToken));
        return new ConfigVersionReply { Status = status, Version = version };
    }

    public override async Task<ConfigReply> GetConfig(GetConfigRequest request, ServerCallContext context)
    {
        var (status, config) = await RunAsync(
            "get_config", m => m.GetConfigAsync(request.Cluster, request.Kind.ToContract(), context.CancellationToken));
        return new ConfigReply { Status = status, Config = config?.ToWire() };
    }

    public override Task<StatusReply> ExtendClientSession(
        ExtendClientSessionRequest request, ServerCallContext context) =>
        StatusAsync("extend_client_session", m => m.ExtendClientSessionAsync(
            request.Cluster, (request.Session ?? new Wire.ClientSession()).ToContract(), context.CancellationToken));

    public override async Task<ClientSessionsReply> ListClientSessions(
        ClusterRequest request, ServerCallContext context)
    {
        var (status, sessions) = await RunAsync(
            "list_client_sessions", m => m.ListClientSessionsAsync(request.Cluster, context.CancellationToken));
        return sessions is null ? new ClientSessionsReply { Status = status } : sessions.ToWire();
    }

    private async Task<StatusReply> StatusAsync(string op, Func<IMgmtdService, ValueTask<Status>> run)
    {
        var (status, _) = await RunAsync<bool>(op, async m => await run(m) is var s && s.IsOk ? true : s);
        return new StatusReply { Status = status };
    }

    private async Task<ChainReply> ChainAsync(string op, Func<IMgmtdService, ValueTask<Result<ChainInfo>>> run)
    {
        var (status, chain) = await RunAsync(op, run);
        return new ChainReply { Status = status, Chain = chain?.ToWire() };
    }

    /// <param name="op">null: not measured.</param>
    private async ValueTask<(StatusMessage Status, T? Value)> RunAsync<T>(
        string? op, Func<IMgmtdService, ValueTask<Result<T>>> run)
    {
        var started = Stopwatch.GetTimestamp();
        var result = await CatchAsync(run);
        if (op is not null)
        {
            Metrics.OpSeconds.WithLabels(op).Observe(Stopwatch.GetElapsedTime(started).TotalSeconds);
            if (!result.IsOk) Metrics.OpFailures.WithLabels(op, Metrics.Name(result.Code)).Inc();
        }

        return (result.Status.ToWire(), result.TryGet(out var value) ? value : default);
    }

    private async ValueTask<Result<T>> CatchAsync<T>(Func<IMgmtdService, ValueTask<Result<T>>> run)
    {
        if (slot.Service is not { } service) return new Status(Code.Unavailable, "this mgmtd is starting or stopping");
        try
        {
            return await run(service);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or OverflowException)
        {
            // A time or duration on the wire that is none.
            return new Status(Code.InvalidArgument, e.Message);
        }
        catch (Exception e)
        {
            Log.OperationBroke(log, e);
            return new Status(Code.Internal, e.Message);
        }
    }
}
