using ThreeFs.Base;
using ThreeFs.Client.Mgmtd;

namespace ThreeFs.Mgmtd.Server;

/// <summary>Configuration of a mgmtd process; the TOML keys are these names in snake_case.</summary>
public sealed class MgmtdConfig
{
    public string ClusterId { get; set; } = "threefs";

    /// <summary>Unique among all processes of the cluster; not 0.</summary>
    public uint NodeId { get; set; }

    /// <summary>gRPC addresses ("host:port") of every mgmtd, this one included; empty: it is the only one.</summary>
    public string[] Mgmtd { get; set; } = [];

    /// <summary>IP address to listen on and to announce.</summary>
    public string Host { get; set; } = "127.0.0.1";

    /// <summary>0 takes a free one, which nobody knows beforehand: for tests.</summary>
    public int GrpcPort { get; set; } = 8000;

    /// <summary>/metrics and /healthz; 0 takes a free one.</summary>
    public int HttpPort { get; set; }

    /// <summary>The key-value store that all mgmtd share, such as "lmdb:/var/lib/threefs/kv" or
    /// "fdb:/etc/foundationdb/fdb.cluster".</summary>
    public string Kv { get; set; } = "";

    public bool AllowUnknownNodes { get; set; } = true;
    public TimeSpan PrimaryLease { get; set; } = new MgmtdTiming().PrimaryLease;
    public TimeSpan PrimaryBeat { get; set; } = new MgmtdTiming().PrimaryBeat;
    public TimeSpan TrustMargin { get; set; } = new MgmtdTiming().TrustMargin;
    public TimeSpan FailureTimeout { get; set; } = new MgmtdTiming().FailureTimeout;
    public TimeSpan NodeLease { get; set; } = new MgmtdTiming().NodeLease;
    public TimeSpan CheckInterval { get; set; } = new MgmtdTiming().CheckInterval;
    public TimeSpan ChainDelay { get; set; } = new MgmtdTiming().ChainDelay;
    public TimeSpan ClockSkew { get; set; } = new MgmtdTiming().ClockSkew;
    public TimeSpan ClientSession { get; set; } = new MgmtdTiming().ClientSession;
    public TimeSpan Bootstrapping { get; set; } = new MgmtdTiming().Bootstrapping;

    public MgmtdTiming Timing => new()
    {
        PrimaryLease = PrimaryLease,
        PrimaryBeat = PrimaryBeat,
        TrustMargin = TrustMargin,
        FailureTimeout = FailureTimeout,
        NodeLease = NodeLease,
        CheckInterval = CheckInterval,
        ChainDelay = ChainDelay,
        ClockSkew = ClockSkew,
        ClientSession = ClientSession,
        Bootstrapping = Bootstrapping,
    };

    public Status Validate()
    {
        if (ClusterId.Length == 0) return Bad("cluster_id is empty");
        if (NodeId == 0) return Bad("node_id is missing; give every process of the cluster a number of its own, not 0");
        if (Kv.Length == 0) return Bad("kv is missing; name the store, such as \"lmdb:/var/lib/threefs/kv\"");
        if (GrpcPort is < 0 or > 65535) return Bad($"grpc_port = {GrpcPort} is not a port");
        if (HttpPort is < 0 or > 65535) return Bad($"http_port = {HttpPort} is not a port");
        if (!System.Net.IPAddress.TryParse(Host, out _)) return Bad($"host = \"{Host}\" is not an IP address");
        if (Mgmtd.Length > 0)
        {
            var peers = new MgmtdClientOptions([.. Mgmtd]).Validate();
            if (!peers.IsOk) return peers;
        }

        return Timing.Validate();
    }

    private static Status Bad(string message) => new(StatusCode.InvalidArgument, message);
}
