using System.Collections.Immutable;
using Grpc.Core;
using ThreeFs.Base;
using ThreeFs.Base.Tasks;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Protos;
using ThreeFs.Protos.Mgmtd;
using Wire = ThreeFs.Protos.Mgmtd;

namespace ThreeFs.Client.Mgmtd;

/// <summary>
/// The cluster manager over gRPC, whichever of its processes is the primary. Nothing escapes as an exception: a failure is a
/// <see cref="Base.Status"/>. Thread-safe; continuations run on the thread pool.
/// </summary>
/// <remarks>
/// A call goes to the address that answered as primary last, follows the hint of a mgmtd that is not the primary, and moves
/// on from one that does not answer. Polling calls (routing, heartbeat, session, primary) make one round over the addresses
/// and leave the pause to their caller; the others keep trying for <see cref="MgmtdClientOptions.Patience"/>. A call that may
/// already have been executed is repeated only when repeating it is harmless.
/// </remarks>
public sealed class MgmtdClient : IMgmtdService, IDisposable
{
    private readonly MgmtdClientOptions _options;
    private readonly TimeProvider _time;
    private readonly MgmtdChannels _channels = new();
    private readonly PrimaryFinder _finder;

    /// <param name="options">Valid ones: see <see cref="MgmtdClientOptions.Validate"/>.</param>
    public MgmtdClient(MgmtdClientOptions options, TimeProvider time)
    {
        options.Validate().ThrowIfFailed();
        _options = options;
        _time = time;
        _finder = new PrimaryFinder(options.Addresses);
    }

    public void Dispose() => _channels.Dispose();

    public async ValueTask<Result<NodeInfo?>> GetPrimaryAsync(string clusterId, CancellationToken ct)
    {
        var request = new ClusterRequest { Cluster = clusterId };
        var reply = await PollAsync((m, o) => m.GetPrimaryAsync(request, o), r => r.Status, default, ct);
        return reply.TryGet(out var r) ? Ok(r.Node?.ToContract()) : reply.Status;
    }

    public ValueTask<Result<RoutingInfo?>> GetRoutingAsync(string clusterId, RoutingVersion have, CancellationToken ct) =>
        GetRoutingAsync(clusterId, have, TimeSpan.Zero, ct);

    public async ValueTask<Result<RoutingInfo?>> GetRoutingAsync(
        string clusterId, RoutingVersion have, TimeSpan wait, CancellationToken ct)
    {
        var request = new GetRoutingRequest { Cluster = clusterId, Have = have.Value, Wait = wait.ToWire() };
        var reply = await PollAsync((m, o) => m.GetRoutingAsync(request, o), r => r.Status, wait, ct);
        return reply.TryGet(out var r) ? Ok(r.Routing?.ToContract()) : reply.Status;
    }

    public async ValueTask<Result<Contracts.Mgmtd.HeartbeatReply>> HeartbeatAsync(
        string clusterId, Heartbeat heartbeat, CancellationToken ct)
    {
        var request = heartbeat.ToWire(clusterId);
        var reply = await PollAsync((m, o) => m.HeartbeatAsync(request, o), r => r.Status, default, ct);
        return reply.TryGet(out var r) ? r.ToContract() : reply.Status;
    }

    public ValueTask<Base.Status> RegisterNodeAsync(string clusterId, NodeId id, Contracts.Routing.NodeKind kind, CancellationToken ct)
    {
        var request = new RegisterNodeRequest { Cluster = clusterId, Node = id.Value, Kind = kind.ToWire() };
        return StatusOf(AdminAsync((m, o) => m.RegisterNodeAsync(request, o), r => r.Status, Repeatable.No, ct));
    }

    public ValueTask<Base.Status> UnregisterNodeAsync(string clusterId, NodeId id, CancellationToken ct)
    {
        var request = new NodeRequest { Cluster = clusterId, Node = id.Value };
        return StatusOf(AdminAsync((m, o) => m.UnregisterNodeAsync(request, o), r => r.Status, Repeatable.No, ct));
    }

    public ValueTask<Base.Status> SetNodeEnabledAsync(string clusterId, NodeId id, bool enabled, CancellationToken ct)
    {
        var request = new SetNodeEnabledRequest { Cluster = clusterId, Node = id.Value, Enabled = enabled };
        return StatusOf(AdminAsync((m, o) => m.SetNodeEnabledAsync(request, o), r => r.Status, Repeatable.Yes, ct));
    }

    public ValueTask<Base.Status> SetNodeTagsAsync(
        string clusterId, NodeId id, ImmutableSortedDictionary<string, string> tags, CancellationToken ct)
    {
        var request = new SetNodeTagsRequest { Cluster = clusterId, Node = id.Value };
        foreach (var (key, value) in tags) request.Tags.Add(key, value);
        return StatusOf(AdminAsync((m, o) => m.SetNodeTagsAsync(request, o), r => r.Status, Repeatable.Yes, ct));
    }

    public ValueTask<Base.Status> SetChainsAsync(
        string clusterId, ImmutableArray<Contracts.Mgmtd.ChainSetting> chains, CancellationToken ct)
    {
        var request = new SetChainsRequest { Cluster = clusterId };
        request.Chains.AddRange(chains.Select(HeartbeatMapper.ToWire));
        return StatusOf(AdminAsync((m, o) => m.SetChainsAsync(request, o), r => r.Status, Repeatable.Yes, ct));
    }

    public async ValueTask<Result<ChainTableVersion>> SetChainTableAsync(
        string clusterId, ChainTableId id, ImmutableArray<ChainId> chains, string description, CancellationToken ct)
    {
        var request = new SetChainTableRequest { Cluster = clusterId, Table = id.Value, Description = description };
        request.Chains.AddRange(chains.Select(c => c.Value));
        var reply = await AdminAsync((m, o) => m.SetChainTableAsync(request, o), r => r.Status, Repeatable.Yes, ct);
        return reply.TryGet(out var r) ? new ChainTableVersion(r.Version) : reply.Status;
    }

    public ValueTask<Result<ChainInfo>> AddTargetAsync(
        string clusterId, ChainId chain, TargetId target, TargetId replaces, CancellationToken ct)
    {
        var request = new ChainTargetRequest { Cluster = clusterId, Chain = chain.Value, Target = target.Value, Replaces = replaces.Value };
        return ChainOf(AdminAsync((m, o) => m.AddTargetAsync(request, o), r => r.Status, replaces.Value != 0 ? Repeatable.Yes : Repeatable.No, ct));
    }

    public ValueTask<Result<ChainInfo>> RemoveTargetAsync(string clusterId, ChainId chain, TargetId target, CancellationToken ct)
    {
        var request = new ChainTargetRequest { Cluster = clusterId, Chain = chain.Value, Target = target.Value };
        return ChainOf(AdminAsync((m, o) => m.RemoveTargetAsync(request, o), r => r.Status, Repeatable.No, ct));
    }

    public ValueTask<Result<ChainInfo>> RotateLastServingAsync(string clusterId, ChainId chain, CancellationToken ct)
    {
        var request = new ChainRequest { Cluster = clusterId, Chain = chain.Value };
        return ChainOf(AdminAsync((m, o) => m.RotateLastServingAsync(request, o), r => r.Status, Repeatable.No, ct));
    }

    public ValueTask<Result<ChainInfo>> SetPreferredOrderAsync(
        string clusterId, ChainId chain, ImmutableArray<TargetId> order, CancellationToken ct)
    {
        var request = new SetPreferredOrderRequest { Cluster = clusterId, Chain = chain.Value };
        request.Order.AddRange(order.Select(t => t.Value));
        return ChainOf(AdminAsync((m, o) => m.SetPreferredOrderAsync(request, o), r => r.Status, Repeatable.Yes, ct));
    }

    public async ValueTask<Result<ImmutableArray<TargetInfo>>> ListOrphanTargetsAsync(string clusterId, CancellationToken ct)
    {
        var request = new ClusterRequest { Cluster = clusterId };
        var reply = await AdminAsync((m, o) => m.ListOrphanTargetsAsync(request, o), r => r.Status, Repeatable.Yes, ct);
        if (!reply.TryGet(out var r)) return reply.Status;
        ImmutableArray<TargetInfo> targets = [.. r.Targets.Select(RoutingMapper.ToContract)];
        return targets;
    }

    public async ValueTask<Result<ulong>> SetConfigAsync(
        string clusterId, Contracts.Routing.NodeKind kind, string content, string description, CancellationToken ct)
    {
        var request = new SetConfigRequest { Cluster = clusterId, Kind = kind.ToWire(), Content = content, Description = description };
        var reply = await AdminAsync((m, o) => m.SetConfigAsync(request, o), r => r.Status, Repeatable.Yes, ct);
        return reply.TryGet(out var r) ? r.Version : reply.Status;
    }

    public async ValueTask<Result<ConfigInfo?>> GetConfigAsync(string clusterId, Contracts.Routing.NodeKind kind, CancellationToken ct)
    {
        var request = new GetConfigRequest { Cluster = clusterId, Kind = kind.ToWire() };
        var reply = await AdminAsync((m, o) => m.GetConfigAsync(request, o), r => r.Status, Repeatable.Yes, ct);
        return reply.TryGet(out var r) ? Ok(r.Config?.ToContract()) : reply.Status;
    }

    public async ValueTask<Base.Status> ExtendClientSessionAsync(
        string clusterId, Contracts.Mgmtd.ClientSession session, CancellationToken ct)
    {
        var request = new ExtendClientSessionRequest { Cluster = clusterId, Session = session.ToWire() };
        return (await PollAsync((m, o) => m.ExtendClientSessionAsync(request, o), r => r.Status, default, ct)).Status;
    }

    public async ValueTask<Result<ClientSessions>> ListClientSessionsAsync(string clusterId, CancellationToken ct)
    {
        var request = new ClusterRequest { Cluster = clusterId };
        var reply = await AdminAsync((m, o) => m.ListClientSessionsAsync(request, o), r => r.Status, Repeatable.Yes, ct);
        return reply.TryGet(out var r) ? r.ToContract() : reply.Status;
    }

    // ---- How calls find their server.

    private delegate AsyncUnaryCall<TReply> Call<TReply>(Wire.Mgmtd.MgmtdClient mgmtd, CallOptions options);

    private enum Repeatable { No, Yes }

    private ValueTask<Result<TReply>> PollAsync<TReply>(
        Call<TReply> call, Func<TReply, StatusMessage?> status, TimeSpan extraTime, CancellationToken ct) =>
        RoundAsync(call, status, Repeatable.Yes, _options.CallTimeout + extraTime, ct);

    private async ValueTask<Result<TReply>> AdminAsync<TReply>(
        Call<TReply> call, Func<TReply, StatusMessage?> status, Repeatable repeatable, CancellationToken ct)
    {
        var start = _time.GetTimestamp();
        while (true)
        {
            var result = await RoundAsync(call, status, repeatable, _options.CallTimeout, ct);
            if (result.IsOk || ct.IsCancellationRequested || !MayTryElsewhere(result.Code, repeatable)) return result;
            if (_time.GetElapsedTime(start) >= _options.Patience) return result;
            await PauseAsync(ct);
        }
    }

    /// <summary>One round over the addresses; the last failure if none answers as primary.</summary>
    private async ValueTask<Result<TReply>> RoundAsync<TReply>(
        Call<TReply> call, Func<TReply, StatusMessage?> status, Repeatable repeatable, TimeSpan timeout, CancellationToken ct)
    {
        var address = _finder.Guess;
        var last = Base.Status.Ok;
        for (var attempt = 0; attempt < _finder.Attempts; attempt++)
        {
            var started = _time.GetTimestamp();
            var result = await OnceAsync(call, status, address, timeout, ct);
            if (result.Code == Base.StatusCode.Cancelled && ct.IsCancellationRequested)
            {
                // A caller that waited long and gave up had better ask another one next time.
                if (_time.GetElapsedTime(started) >= timeout / 2) _finder.Next(address, "");
                return result;
            }

            if (!MayTryElsewhere(result.Code, repeatable))
            {
                _finder.Found(address);
                return result;
            }

            last = result.Status;
            address = _finder.Next(address, last.Code == Base.StatusCode.NotPrimary ? last.Message ?? "" : "");
        }

        return last.Code == Base.StatusCode.NotPrimary
            ? new Base.Status(Base.StatusCode.Unavailable, $"no primary mgmtd among {string.Join(", ", _options.Addresses)}")
            : last;
    }

    private async ValueTask<Result<TReply>> OnceAsync<TReply>(
        Call<TReply> call, Func<TReply, StatusMessage?> status, string address, TimeSpan timeout, CancellationToken ct)
    {
        using var limit = new CancellationTokenSource(timeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
        try
        {
            using var running = call(_channels.Get(address), new CallOptions(cancellationToken: both.Token));
            var reply = await running.ResponseAsync;
            var outcome = status(reply).ToStatus();
            return outcome.IsOk ? reply : outcome;
        }
        catch (Exception e)
        {
            return GrpcErrors.ToStatus(e, address, ct.IsCancellationRequested);
        }
    }

    private static bool MayTryElsewhere(Base.StatusCode code, Repeatable repeatable) =>
        code == Base.StatusCode.NotPrimary
        || (code.IsServerFailure() && (repeatable == Repeatable.Yes || code.IsCertainlyNotExecuted()));

    /// <summary>When given up, the next round reports it.</summary>
    private async ValueTask PauseAsync(CancellationToken ct) => await _time.PauseAsync(_options.RetryDelay, ct);

    private static async ValueTask<Base.Status> StatusOf(ValueTask<Result<StatusReply>> reply) => (await reply).Status;

    private static async ValueTask<Result<ChainInfo>> ChainOf(ValueTask<Result<ChainReply>> reply)
    {
        var result = await reply;
        return result.TryGet(out var r) ? r.Chain.ToContract() : result.Status;
    }

    private static Result<T?> Ok<T>(T? value) => value;
}
