using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Contracts.Mgmtd;

/// <summary>
/// The cluster manager's operations. Every call names the cluster; another one is refused with
/// <see cref="StatusCode.ClusterMismatch"/>. All but <see cref="GetPrimaryAsync"/> need the primary and otherwise answer
/// <see cref="StatusCode.NotPrimary"/> with its gRPC address ("host:port", empty if unknown) as message.
/// </summary>
public interface IMgmtdService
{
    /// <summary>Who holds the lease, as far as this mgmtd knows; null when nobody does.</summary>
    ValueTask<Result<NodeInfo?>> GetPrimaryAsync(string clusterId, CancellationToken ct);

    /// <summary>The whole picture, or null when <paramref name="have"/> is already the newest. 0 asks for it in any case.</summary>
    ValueTask<Result<RoutingInfo?>> GetRoutingAsync(string clusterId, RoutingVersion have, CancellationToken ct);

    /// <summary>
    /// Like the other form, but when there is nothing newer waits up to <paramref name="wait"/> for it before answering null.
    /// </summary>
    ValueTask<Result<RoutingInfo?>> GetRoutingAsync(string clusterId, RoutingVersion have, TimeSpan wait, CancellationToken ct) =>
        GetRoutingAsync(clusterId, have, ct);

    ValueTask<Result<HeartbeatReply>> HeartbeatAsync(string clusterId, Heartbeat heartbeat, CancellationToken ct);

    ValueTask<Status> RegisterNodeAsync(string clusterId, NodeId id, NodeKind kind, CancellationToken ct);
    ValueTask<Status> UnregisterNodeAsync(string clusterId, NodeId id, CancellationToken ct);
    ValueTask<Status> SetNodeEnabledAsync(string clusterId, NodeId id, bool enabled, CancellationToken ct);

    /// <summary>Sets the given tags on a node; an empty value removes the tag.</summary>
    ValueTask<Status> SetNodeTagsAsync(
        string clusterId, NodeId id, ImmutableSortedDictionary<string, string> tags, CancellationToken ct);

    /// <summary>
    /// Creates chains. The first target of a new chain is the authoritative one and serves once its server has reported it; the others
    /// sync from it, which takes no time while it is empty. An existing chain with the same targets is left alone.
    /// </summary>
    ValueTask<Status> SetChainsAsync(string clusterId, ImmutableArray<ChainSetting> chains, CancellationToken ct);

    /// <summary>Writes a chain table; the version of the table that now holds exactly these chains is returned.</summary>
    ValueTask<Result<ChainTableVersion>> SetChainTableAsync(
        string clusterId, ChainTableId id, ImmutableArray<ChainId> chains, string description, CancellationToken ct);

    /// <summary>
    /// Appends a target to a chain, which then syncs and serves. With <paramref name="replaces"/> it gets that one's place in the
    /// preferred order, and that one is leaving from then on; see <see cref="ChainInfo"/>. The same again is Ok.
    /// </summary>
    /// <param name="replaces">0: nobody.</param>
    ValueTask<Result<ChainInfo>> AddTargetAsync(
        string clusterId, ChainId chain, TargetId target, TargetId replaces, CancellationToken ct);

    /// <summary>
    /// Takes a target out of its chain. One that serves is refused with <see cref="StatusCode.Busy"/>: it has to step down first.
    /// The one that a chain waits for is refused with <see cref="StatusCode.InvalidArgument"/>.
    /// </summary>
    ValueTask<Result<ChainInfo>> RemoveTargetAsync(string clusterId, ChainId chain, TargetId target, CancellationToken ct);

    /// <summary>Gives up the last serving target and makes the next one authoritative. May lose data.</summary>
    ValueTask<Result<ChainInfo>> RotateLastServingAsync(string clusterId, ChainId chain, CancellationToken ct);

    /// <summary>Says which chain is wanted; see <see cref="ChainInfo"/>. Nothing moves by it alone.</summary>
    ValueTask<Result<ChainInfo>> SetPreferredOrderAsync(
        string clusterId, ChainId chain, ImmutableArray<TargetId> order, CancellationToken ct);

    /// <summary>Targets that storage servers report and no chain has.</summary>
    ValueTask<Result<ImmutableArray<TargetInfo>>> ListOrphanTargetsAsync(string clusterId, CancellationToken ct);

    /// <summary>Stores a configuration text for a kind of node; its version is returned and handed out with heartbeats.</summary>
    ValueTask<Result<ulong>> SetConfigAsync(string clusterId, NodeKind kind, string content, string description, CancellationToken ct);

    /// <summary>The newest configuration of a kind, or null.</summary>
    ValueTask<Result<ConfigInfo?>> GetConfigAsync(string clusterId, NodeKind kind, CancellationToken ct);

    /// <summary>Keeps a client process's session alive; metadata servers drop open files of clients without one.</summary>
    ValueTask<Status> ExtendClientSessionAsync(string clusterId, ClientSession session, CancellationToken ct);

    ValueTask<Result<ClientSessions>> ListClientSessionsAsync(string clusterId, CancellationToken ct);
}

/// <param name="Sequence">
/// Rises with every heartbeat of a process; an old one is refused with <see cref="StatusCode.HeartbeatStale"/>, one of an earlier process whose
/// successor has fallen silent with <see cref="StatusCode.HeartbeatOutlived"/>.
/// </param>
/// <param name="SentAt">The sender's clock; a difference beyond the limit is refused.</param>
/// <param name="Targets">Storage nodes: every local target.</param>
/// <param name="Generation">Differs between two processes of one node, so that a restart shows even when it was quick; 0 is unknown.</param>
public sealed record Heartbeat(
    NodeId Node,
    NodeKind Kind,
    string HostName,
    int ProcessId,
    ImmutableArray<ServiceEndpoint> Endpoints,
    ulong Sequence,
    DateTimeOffset SentAt,
    ulong ConfigVersion,
    ImmutableArray<LocalTarget> Targets,
    ulong Generation = 0);

/// <param name="State">
/// UpToDate only while the target itself vouches for its content: it serves, or finished syncing, without a break since its process
/// started. Online of a target that is publicly Serving takes it out of serving. Offline (a failed disk) counts at any version.
/// </param>
/// <param name="ChainVersion">
/// The version of its chain that the target has acted on: it knows its place in it and behaves so. mgmtd moves a target forward only
/// on a report with the current version and ignores older ones. 0: this process has not acted on any version yet.
/// </param>
public sealed record LocalTarget(
    TargetId Id,
    LocalTargetState State,
    ChainVersion ChainVersion,
    int DiskIndex,
    long UsedBytes,
    long CapacityBytes,
    bool LowSpace);

/// <param name="Routing">The newest version, so that the node refreshes when its own is older.</param>
/// <param name="Lease">How long the node may act on what it knows without another answer; a storage server fences itself after it.</param>
/// <param name="NewConfig">Present when newer than the node's.</param>
public sealed record HeartbeatReply(RoutingVersion Routing, TimeSpan Lease, ConfigInfo? NewConfig);

public sealed record ConfigInfo(NodeKind Kind, ulong Version, string Content, string Description);

public sealed record ChainSetting(ChainId Id, ImmutableArray<TargetId> Targets, ImmutableArray<TargetId> PreferredOrder);

public sealed record ClientSession(ClientId Id, string HostName, string Description, int ProcessId, DateTimeOffset Started, DateTimeOffset LastExtended);

/// <param name="Bootstrapping">The primary is so new that a living client may still be missing: nobody may be declared dead.</param>
public sealed record ClientSessions(bool Bootstrapping, ImmutableArray<ClientSession> Sessions);
