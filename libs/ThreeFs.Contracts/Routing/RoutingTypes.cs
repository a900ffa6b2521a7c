using System.Collections.Immutable;
using ThreeFs.Base;

namespace ThreeFs.Contracts.Routing;

/// <summary>What a process of the cluster is.</summary>
public enum NodeKind : byte
{
    Mgmtd = 0,
    Meta = 1,
    Storage = 2,
    Client = 3,
}

/// <summary>mgmtd's view of a node's health.</summary>
public enum NodeState : byte
{
    /// <summary>The mgmtd that holds the lease.</summary>
    PrimaryMgmtd = 0,
    /// <summary>Known, no heartbeat in this term yet.</summary>
    Connecting = 1,
    Connected = 2,
    /// <summary>Silent for longer than the heartbeat limit.</summary>
    Failed = 3,
    /// <summary>Taken out by an operator; its heartbeats are refused.</summary>
    Disabled = 4,
}

/// <summary>What is spoken at an endpoint.</summary>
public enum EndpointKind : byte
{
    /// <summary>gRPC: mgmtd, metadata API, administration.</summary>
    Grpc = 0,
    /// <summary>ThreeFs frames over TCP: chunk and metadata requests of our own clients.</summary>
    Data = 1,
    /// <summary>HTTP: /metrics and /healthz.</summary>
    Http = 2,
}

public sealed record ServiceEndpoint(EndpointKind Kind, string Host, int Port)
{
    public override string ToString() => $"{Host}:{Port}";
}

/// <summary>A process of the cluster as routing shows it.</summary>
/// <param name="LastHeartbeat">UTC; the primary's clock.</param>
/// <param name="Tags">Free key/value pairs; "Disable" and "TrafficZone" are known.</param>
public sealed record NodeInfo(
    NodeId Id,
    NodeKind Kind,
    string HostName,
    int ProcessId,
    ImmutableArray<ServiceEndpoint> Endpoints,
    NodeState State,
    DateTimeOffset LastHeartbeat,
    ImmutableSortedDictionary<string, string> Tags)
{
    /// <summary>May be sent requests.</summary>
    public bool IsActive => State is NodeState.Connected or NodeState.PrimaryMgmtd;

    public ServiceEndpoint? Endpoint(EndpointKind kind)
    {
        foreach (var endpoint in Endpoints)
        {
            if (endpoint.Kind == kind) return endpoint;
        }

        return null;
    }
}

/// <summary>State of a target as everybody sees it; decided by mgmtd alone.</summary>
public enum TargetState : byte
{
    /// <summary>Holds every committed update; takes reads and updates.</summary>
    Serving = 1,
    /// <summary>Was the last one serving when it went away; the chain waits for exactly this target.</summary>
    LastServing = 2,
    /// <summary>Gets missing chunks from its predecessor and every new update; no reads.</summary>
    Syncing = 4,
    /// <summary>Is up and waits for its turn to sync.</summary>
    Waiting = 8,
    Offline = 16,
}

/// <summary>State of a target as its own storage server reports it.</summary>
public enum LocalTargetState : byte
{
    /// <summary>In sync with the chain.</summary>
    UpToDate = 1,
    /// <summary>Up, content possibly old.</summary>
    Online = 2,
    Offline = 4,
}

public sealed record ChainTarget(TargetId Id, TargetState State);

/// <summary>A chain: its targets from head to tail, ordered Serving, LastServing, Syncing, Waiting, Offline.</summary>
/// <param name="PreferredOrder">
/// The chain an operator wants once all serve, from head to tail; empty: no wish. A target that it leaves out is leaving: it gets no
/// turn to sync any more, serves until it steps down, and is then removed.
/// </param>
public sealed record ChainInfo(
    ChainId Id,
    ChainVersion Version,
    ImmutableArray<ChainTarget> Targets,
    ImmutableArray<TargetId> PreferredOrder)
{
    /// <summary>How many targets it is meant to have; while one takes another's place it has more.</summary>
    public int Replicas => PreferredOrder.Length > 0 ? PreferredOrder.Length : Targets.Length;

    public bool IsLeaving(TargetId target) => PreferredOrder.Length > 0 && !PreferredOrder.Contains(target);

    public bool Equals(ChainInfo? other) =>
        other is not null && Id == other.Id && Version == other.Version && Targets.AsSpan().SequenceEqual(other.Targets.AsSpan())
        && PreferredOrder.AsSpan().SequenceEqual(other.PreferredOrder.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Id, Version, Targets.Length);
}

/// <summary>A target with what its server said of it last.</summary>
/// <param name="Node">The node that holds it; <c>default</c> while never reported.</param>
/// <param name="UsedBytes">Bytes of its allocated blocks.</param>
/// <param name="CapacityBytes">What its disk can hold for it, used included; 0 while never reported.</param>
public sealed record TargetInfo(
    TargetId Id,
    ChainId Chain,
    TargetState State,
    LocalTargetState LocalState,
    NodeId Node,
    int DiskIndex,
    long UsedBytes,
    bool LowSpace,
    long CapacityBytes = 0);

public sealed record ChainTable(
    ChainTableId Id,
    ChainTableVersion Version,
    ImmutableArray<ChainId> Chains,
    string Description)
{
    public bool Equals(ChainTable? other) =>
        other is not null && Id == other.Id && Version == other.Version && Description == other.Description
        && Chains.AsSpan().SequenceEqual(other.Chains.AsSpan());

    public override int GetHashCode() => HashCode.Combine(Id, Version, Chains.Length);
}
