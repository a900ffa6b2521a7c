using System.Net;
using ThreeFs.Base;
using ThreeFs.Transport;

namespace ThreeFs.Meta.Server;

public enum MetaDurability
{
    /// <summary>Mutations survive the death of every process at once, and power failure with the next fsync.</summary>
    Relaxed = 0,
    /// <summary>Every mutation is on stable storage before it is answered.</summary>
    Flush = 1,
}

/// <summary>Configuration of a metadata server; the file's keys are these names in snake_case.</summary>
public sealed class MetaConfig
{
    public string ClusterId { get; set; } = "threefs";
    public uint NodeId { get; set; }

    /// <summary>gRPC addresses "host:port" of the cluster managers.</summary>
    public string[] Mgmtd { get; set; } = [];

    /// <summary>Address to bind and to announce.</summary>
    public string Host { get; set; } = "127.0.0.1";

    /// <summary>0: a free one.</summary>
    public int GrpcPort { get; set; }
    public int DataPort { get; set; }
    public int HttpPort { get; set; }

    /// <summary>
    /// How storage servers are reached, and what is offered to clients: "auto" the best that both sides can (shared memory on one
    /// host, RDMA, TCP), else only what is named: "shm", "rdma", "tcp".
    /// </summary>
    public TransportChoice Transport { get; set; } = TransportChoice.Auto;

    /// <summary>
    /// The store, such as "lmdb:/var/lib/threefs/kv" or "fdb:/etc/foundationdb/fdb.cluster"; the same for all metadata
    /// servers and cluster managers.
    /// </summary>
    public string Kv { get; set; } = "";

    public MetaDurability Durability { get; set; } = MetaDurability.Relaxed;

    /// <summary>What the root directory gives to new files when the file system is made; later changes are made on directories.</summary>
    public uint ChainTable { get; set; } = 1;
    public ByteSize ChunkSize { get; set; } = new(ByteSize.MiB);
    public uint StripeSize { get; set; } = 16;

    /// <summary>How long chunks of a removed file are kept.</summary>
    public TimeSpan GcDelay { get; set; } = TimeSpan.FromSeconds(60);
    public TimeSpan GcInterval { get; set; } = TimeSpan.FromSeconds(1);
    public TimeSpan SessionScanInterval { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How long an operation waits for storage servers before the client is told to ask again.</summary>
    public TimeSpan StorageDeadline { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Requests worked on at once; more are told to come again.</summary>
    public int MaxInFlight { get; set; } = 8192;

    public Status Validate()
    {
        if (NodeId == 0) return Bad("node_id", "is not 0");
        if (ClusterId.Length == 0) return Bad("cluster_id", "is not empty");
        if (Mgmtd.Length == 0) return Bad("mgmtd", "names at least one cluster manager as \"host:port\"");
        if (!IPAddress.TryParse(Host, out _)) return Bad("host", $"is an IP address, not \"{Host}\"");
        if (!IsPort(GrpcPort)) return Bad("grpc_port", "is 0 to 65535");
        if (!IsPort(DataPort)) return Bad("data_port", "is 0 to 65535");
        if (!IsPort(HttpPort)) return Bad("http_port", "is 0 to 65535");
        if (Kv.Length == 0) return Bad("kv", "names the store, such as \"lmdb:/var/lib/threefs/kv\"");
        if (!RootLayout().IsValid)
            return Bad("chain_table, chunk_size and stripe_size", "are a table, a power of two from 64KiB to 64MiB, and 1 to 1024");
        if (GcDelay < TimeSpan.Zero) return Bad("gc_delay", "is not negative");
        if (GcInterval <= TimeSpan.Zero) return Bad("gc_interval", "is positive");
        if (SessionScanInterval <= TimeSpan.Zero) return Bad("session_scan_interval", "is positive");
        if (StorageDeadline <= TimeSpan.Zero) return Bad("storage_deadline", "is positive");
        return MaxInFlight > 0 ? Status.Ok : Bad("max_in_flight", "is positive");
    }

    internal Contracts.Meta.Layout RootLayout() => new(
        new ChainTableId(ChainTable), default, (uint)Math.Clamp(ChunkSize.Bytes, 0, uint.MaxValue), StripeSize, 0, 0);

    private static bool IsPort(int port) => port is >= 0 and <= 65535;

    private static Status Bad(string key, string rule) => new(StatusCode.InvalidArgument, $"metadata server: {key} {rule}");
}
