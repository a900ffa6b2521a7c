using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Mgmtd.Tests.Server;

/// <summary>Remembers the arguments of the last call and answers what a test prepared; every answer may be a failure.</summary>
internal sealed class RecordingService : IMgmtdService
{
    private object?[] _arguments = [];

    public string Called { get; private set; } = "";
    public IReadOnlyList<object?> Arguments => _arguments;

    /// <summary>The answer of a call: a value, or a <see cref="Status"/> that is a failure.</summary>
    public object? Answer { get; set; }

    public ValueTask<Result<NodeInfo?>> GetPrimaryAsync(string clusterId, CancellationToken ct) => Take<NodeInfo?>([clusterId]);

    public ValueTask<Result<RoutingInfo?>> GetRoutingAsync(string clusterId, RoutingVersion have, CancellationToken ct) =>
        GetRoutingAsync(clusterId, have, TimeSpan.Zero, ct);

    public ValueTask<Result<RoutingInfo?>> GetRoutingAsync(string clusterId, RoutingVersion have, TimeSpan wait, CancellationToken ct) =>
        Take<RoutingInfo?>([clusterId, have, wait]);

    public ValueTask<Result<HeartbeatReply>> HeartbeatAsync(string clusterId, Heartbeat heartbeat, CancellationToken ct) =>
        Take<HeartbeatReply>([clusterId, heartbeat]);

    public ValueTask<Status> RegisterNodeAsync(string clusterId, NodeId id, NodeKind kind, CancellationToken ct) => Take([clusterId, id, kind]);
    public ValueTask<Status> UnregisterNodeAsync(string clusterId, NodeId id, CancellationToken ct) => Take([clusterId, id]);
    public ValueTask<Status> SetNodeEnabledAsync(string clusterId, NodeId id, bool enabled, CancellationToken ct) => Take([clusterId, id, enabled]);

    public ValueTask<Status> SetNodeTagsAsync(
        string clusterId, NodeId id, ImmutableSortedDictionary<string, string> tags, CancellationToken ct) => Take([clusterId, id, tags]);

    public ValueTask<Status> SetChainsAsync(string clusterId, ImmutableArray<ChainSetting> chains, CancellationToken ct) => Take([clusterId, chains]);

    public ValueTask<Result<ChainTableVersion>> SetChainTableAsync(
        string clusterId, ChainTableId id, ImmutableArray<ChainId> chains, string description, CancellationToken ct) =>
        Take<ChainTableVersion>([clusterId, id, chains, description]);

    public ValueTask<Result<ChainInfo>> AddTargetAsync(string clusterId, ChainId chain, TargetId target, TargetId replaces, CancellationToken ct) =>
        Take<ChainInfo>([clusterId, chain, target, replaces]);

    public ValueTask<Result<ChainInfo>> RemoveTargetAsync(string clusterId, ChainId chain, TargetId target, CancellationToken ct) =>
        Take<ChainInfo>([clusterId, chain, target]);

    public ValueTask<Result<ChainInfo>> RotateLastServingAsync(string clusterId, ChainId chain, CancellationToken ct) =>
        Take<ChainInfo>([clusterId, chain]);

    public ValueTask<Result<ChainInfo>> SetPreferredOrderAsync(string clusterId, ChainId chain, ImmutableArray<TargetId> order, CancellationToken ct) =>
        Take<ChainInfo>([clusterId, chain, order]);

    public ValueTask<Result<ImmutableArray<TargetInfo>>> ListOrphanTargetsAsync(string clusterId, CancellationToken ct) =>
        Take<ImmutableArray<TargetInfo>>([clusterId]);

    public ValueTask<Result<ulong>> SetConfigAsync(string clusterId, NodeKind kind, string content, string description, CancellationToken ct) =>
        Take<ulong>([clusterId, kind, content, description]);

    public ValueTask<Result<ConfigInfo?>> GetConfigAsync(string clusterId, NodeKind kind, CancellationToken ct) => Take<ConfigInfo?>([clusterId, kind]);

    public ValueTask<Status> ExtendClientSessionAsync(string clusterId, ClientSession session, CancellationToken ct) => Take([clusterId, session]);

    public ValueTask<Result<ClientSessions>> ListClientSessionsAsync(string clusterId, CancellationToken ct) => Take<ClientSessions>([clusterId]);

    private ValueTask<Result<T>> Take<T>(object?[] arguments, [CallerMemberName] string called = "")
    {
        (Called, _arguments) = (called, arguments);
        return new(Answer is Status { IsOk: false } failure ? failure : (Result<T>)(T)Answer!);
    }

    private ValueTask<Status> Take(object?[] arguments, [CallerMemberName] string called = "")
    {
        (Called, _arguments) = (called, arguments);
        return new(Answer is Status failure ? failure : Status.Ok);
    }
}
