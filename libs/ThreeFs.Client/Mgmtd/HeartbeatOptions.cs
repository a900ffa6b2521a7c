using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Client.Mgmtd;

/// <summary>Who sends heartbeats, and what a heartbeat tells.</summary>
/// <param name="Endpoints">Where the process is reached; really bound ports.</param>
public sealed record HeartbeatOptions(
    string ClusterId, NodeId Node, NodeKind Kind, string HostName, int ProcessId, ImmutableArray<ServiceEndpoint> Endpoints)
{
    public TimeSpan Interval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>Longest wait for an answer; then the next heartbeat goes out, to another mgmtd.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Shortest time between two heartbeats, however often <see cref="HeartbeatLoop.Kick"/> is called.</summary>
    public TimeSpan MinSpacing { get; init; } = TimeSpan.FromMilliseconds(20);

    /// <summary>Called before each heartbeat of a storage node; answers every local target.</summary>
    public Func<ValueTask<ImmutableArray<LocalTarget>>>? CollectTargets { get; init; }

    /// <summary>Called after each accepted heartbeat, once the lease is extended; typically compares the routing version. Must not block.</summary>
    public Action<HeartbeatReply>? OnReply { get; init; }

    /// <summary>Called with a configuration newer than the last one it accepted; answers whether it is in force now.</summary>
    public Func<ConfigInfo, bool>? OnConfig { get; init; }
}
