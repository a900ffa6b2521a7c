using System.Collections.Immutable;
using Google.Protobuf.WellKnownTypes;
using ThreeFs.Base;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Protos.Mgmtd;

/// <summary>Routing snapshots and their parts between the contract types and the wire; lossless in both directions.</summary>
public static class RoutingMapper
{
    public static Routing ToWire(this RoutingInfo info)
    {
        var wire = new Routing { Version = info.Version.Value };
        wire.Nodes.AddRange(info.Nodes.Values.Select(ToWire));
        wire.Chains.AddRange(info.Chains.Values.Select(ToWire));
        wire.Targets.AddRange(info.Targets.Values.Select(ToWire));
        wire.ChainTables.AddRange(info.ChainTables.Select(ToWire));
        return wire;
    }

    public static RoutingInfo ToContract(this Routing wire) => new(
        new RoutingVersion(wire.Version),
        wire.Nodes.Select(ToContract),
        wire.Chains.Select(ToContract),
        wire.Targets.Select(ToContract),
        wire.ChainTables.Select(ToContract));

    public static Node ToWire(this NodeInfo node)
    {
        var wire = new Node
        {
            Id = node.Id.Value,
            Kind = node.Kind.ToWire(),
            HostName = node.HostName,
            ProcessId = node.ProcessId,
            State = (NodeState)node.State,
            LastHeartbeat = node.LastHeartbeat.ToTimestamp(),
        };
        wire.Endpoints.AddRange(node.Endpoints.Select(ToWire));
        foreach (var (key, value) in node.Tags) wire.Tags.Add(key, value);
        return wire;
    }

    public static NodeInfo ToContract(this Node wire) => new(
        new NodeId(wire.Id),
        wire.Kind.ToContract(),
        wire.HostName,
        wire.ProcessId,
        [.. wire.Endpoints.Select(ToContract)],
        (Contracts.Routing.NodeState)wire.State,
        wire.LastHeartbeat.ToTime(),
        wire.Tags.ToImmutableSortedDictionary(StringComparer.Ordinal));

    public static Endpoint ToWire(this ServiceEndpoint endpoint) =>
        new() { Kind = (EndpointKind)endpoint.Kind, Host = endpoint.Host, Port = endpoint.Port };

    public static ServiceEndpoint ToContract(this Endpoint wire) =>
        new((Contracts.Routing.EndpointKind)wire.Kind, wire.Host, wire.Port);

    public static Chain ToWire(this ChainInfo chain)
    {
        var wire = new Chain { Id = chain.Id.Value, Version = chain.Version.Value };
        wire.Targets.AddRange(chain.Targets.Select(t => new ChainTarget { Id = t.Id.Value, State = (TargetState)t.State }));
        wire.PreferredOrder.AddRange(chain.PreferredOrder.Select(t => t.Value));
        return wire;
    }

    public static ChainInfo ToContract(this Chain wire) => new(
        new ChainId(wire.Id),
        new ChainVersion(wire.Version),
        [.. wire.Targets.Select(t => new Contracts.Routing.ChainTarget(new TargetId(t.Id), (Contracts.Routing.TargetState)t.State))],
        [.. wire.PreferredOrder.Select(t => new TargetId(t))]);

    public static Target ToWire(this TargetInfo target) => new()
    {
        Id = target.Id.Value,
        Chain = target.Chain.Value,
        State = (TargetState)target.State,
        LocalState = (LocalTargetState)target.LocalState,
        Node = target.Node.Value,
        DiskIndex = target.DiskIndex,
        UsedBytes = target.UsedBytes,
        LowSpace = target.LowSpace,
        CapacityBytes = target.CapacityBytes,
    };

    public static TargetInfo ToContract(this Target wire) => new(
        new TargetId(wire.Id),
        new ChainId(wire.Chain),
        (Contracts.Routing.TargetState)wire.State,
        (Contracts.Routing.LocalTargetState)wire.LocalState,
        new NodeId(wire.Node),
        wire.DiskIndex,
        wire.UsedBytes,
        wire.LowSpace,
        wire.CapacityBytes);

    public static ChainTable ToWire(this Contracts.Routing.ChainTable table)
    {
        var wire = new ChainTable { Id = table.Id.Value, Version = table.Version.Value, Description = table.Description };
        wire.Chains.AddRange(table.Chains.Select(c => c.Value));
        return wire;
    }

    public static Contracts.Routing.ChainTable ToContract(this ChainTable wire) => new(
        new ChainTableId(wire.Id),
        new ChainTableVersion(wire.Version),
        [.. wire.Chains.Select(c => new ChainId(c))],
        wire.Description);

    public static NodeKind ToWire(this Contracts.Routing.NodeKind kind) => (NodeKind)kind;

    public static Contracts.Routing.NodeKind ToContract(this NodeKind kind) => (Contracts.Routing.NodeKind)kind;

    /// <summary>Absent means the beginning of time: never.</summary>
    internal static DateTimeOffset ToTime(this Timestamp? wire) => wire?.ToDateTimeOffset() ?? DateTimeOffset.MinValue;

    internal static Timestamp ToTimestamp(this DateTimeOffset time) => Timestamp.FromDateTimeOffset(time);
}
