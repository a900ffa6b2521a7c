using Google.Protobuf;
using Google.Protobuf.WellKnownTypes;
using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;

namespace ThreeFs.Protos.Mgmtd;

/// <summary>Heartbeats, configurations and client sessions between the contract types and the wire; lossless in both directions.</summary>
public static class HeartbeatMapper
{
    public static HeartbeatRequest ToWire(this Heartbeat heartbeat, string clusterId)
    {
        var wire = new HeartbeatRequest
        {
            Cluster = clusterId,
            Node = heartbeat.Node.Value,
            Kind = heartbeat.Kind.ToWire(),
            HostName = heartbeat.HostName,
            ProcessId = heartbeat.ProcessId,
            Sequence = heartbeat.Sequence,
            SentAt = heartbeat.SentAt.ToTimestamp(),
            ConfigVersion = heartbeat.ConfigVersion,
            Generation = heartbeat.Generation,
        };
        wire.Endpoints.AddRange(heartbeat.Endpoints.Select(RoutingMapper.ToWire));
        wire.Targets.AddRange(heartbeat.Targets.Select(ToWire));
        return wire;
    }

    public static Heartbeat ToContract(this HeartbeatRequest wire) => new(
        new NodeId(wire.Node),
        wire.Kind.ToContract(),
        wire.HostName,
        wire.ProcessId,
        [.. wire.Endpoints.Select(RoutingMapper.ToContract)],
        wire.Sequence,
        wire.SentAt.ToTime(),
        wire.ConfigVersion,
        [.. wire.Targets.Select(ToContract)],
        wire.Generation);

    /// <summary>Zero is sent as absent.</summary>
    public static Duration? ToWire(this TimeSpan time) => time == TimeSpan.Zero ? null : time.ToDuration();

    public static LocalTarget ToWire(this Contracts.Mgmtd.LocalTarget target) => new()
    {
        Id = target.Id.Value,
        State = (LocalTargetState)target.State,
        ChainVersion = target.ChainVersion.Value,
        DiskIndex = target.DiskIndex,
        UsedBytes = target.UsedBytes,
        CapacityBytes = target.CapacityBytes,
        LowSpace = target.LowSpace,
    };

    public static Contracts.Mgmtd.LocalTarget ToContract(this LocalTarget wire) => new(
        new TargetId(wire.Id),
        (Contracts.Routing.LocalTargetState)wire.State,
        new ChainVersion(wire.ChainVersion),
        wire.DiskIndex,
        wire.UsedBytes,
        wire.CapacityBytes,
        wire.LowSpace);

    public static HeartbeatReply ToWire(this Contracts.Mgmtd.HeartbeatReply reply) => new()
    {
        Status = Status.Ok.ToWire(),
        RoutingVersion = reply.Routing.Value,
        Lease = reply.Lease.ToDuration(),
        NewConfig = reply.NewConfig?.ToWire(),
    };

    public static Contracts.Mgmtd.HeartbeatReply ToContract(this HeartbeatReply wire) => new(
        new RoutingVersion(wire.RoutingVersion),
        wire.Lease?.ToTimeSpan() ?? TimeSpan.Zero,
        wire.NewConfig?.ToContract());

    public static Config ToWire(this ConfigInfo config) => new()
    {
        Kind = config.Kind.ToWire(),
        Version = config.Version,
        Content = config.Content,
        Description = config.Description,
    };

    public static ConfigInfo ToContract(this Config wire) =>
        new(wire.Kind.ToContract(), wire.Version, wire.Content, wire.Description);

    public static ClientSession ToWire(this Contracts.Mgmtd.ClientSession session) => new()
    {
        Id = ByteString.CopyFrom(session.Id.Value.ToByteArray()),
        HostName = session.HostName,
        Description = session.Description,
        ProcessId = session.ProcessId,
        Started = session.Started.ToTimestamp(),
        LastExtended = session.LastExtended.ToTimestamp(),
    };

    /// <summary>A client id that is not 16 bytes becomes the empty id, which mgmtd refuses.</summary>
    public static Contracts.Mgmtd.ClientSession ToContract(this ClientSession wire) => new(
        new ClientId(wire.Id.Length == 16 ? new Guid(wire.Id.Span) : Guid.Empty),
        wire.HostName,
        wire.Description,
        wire.ProcessId,
        wire.Started.ToTime(),
        wire.LastExtended.ToTime());

    public static ClientSessionsReply ToWire(this ClientSessions sessions)
    {
        var wire = new ClientSessionsReply { Status = Status.Ok.ToWire(), Bootstrapping = sessions.Bootstrapping };
        wire.Sessions.AddRange(sessions.Sessions.Select(ToWire));
        return wire;
    }

    public static ClientSessions ToContract(this ClientSessionsReply wire) =>
        new(wire.Bootstrapping, [.. wire.Sessions.Select(ToContract)]);

    public static ChainSetting ToWire(this Contracts.Mgmtd.ChainSetting setting)
    {
        var wire = new ChainSetting { Id = setting.Id.Value };
        wire.Targets.AddRange(setting.Targets.Select(t => t.Value));
        wire.PreferredOrder.AddRange(setting.PreferredOrder.Select(t => t.Value));
        return wire;
    }

    public static Contracts.Mgmtd.ChainSetting ToContract(this ChainSetting wire) => new(
        new ChainId(wire.Id),
        [.. wire.Targets.Select(t => new TargetId(t))],
        [.. wire.PreferredOrder.Select(t => new TargetId(t))]);
}
