using System.Net;
using ThreeFs.Base;
using ThreeFs.Transport;

namespace ThreeFs.Storage.Server;

/// <summary>Configuration of a storage process; the TOML keys are these names in snake_case.</summary>
public sealed class StorageConfig
{
    public string ClusterId { get; set; } = "threefs";

    /// <summary>Unique among all processes of the cluster; not 0.</summary>
    public uint NodeId { get; set; }

    /// <summary>gRPC addresses ("host:port") of every mgmtd.</summary>
    public string[] Mgmtd { get; set; } = [];

    /// <summary>IP address to listen on and to announce.</summary>
    public string Host { get; set; } = "127.0.0.1";

    /// <summary>Chunk requests; 0 takes a free one, which mgmtd then announces.</summary>
    public int DataPort { get; set; }

    /// <summary>
    /// How other storage servers are reached, and what is offered to clients: "auto" the best that both sides can (shared memory on one
    /// host, RDMA, TCP), else only what is named: "shm", "rdma", "tcp".
    /// </summary>
    public TransportChoice Transport { get; set; } = TransportChoice.Auto;

    /// <summary>/metrics and /healthz; 0 takes a free one.</summary>
    public int HttpPort { get; set; }

    /// <summary>One existing directory a disk; disk indexes are positions in this list. The targets found there are served.</summary>
    public string[] DataPaths { get; set; } = [];

    /// <summary>Threads that own targets and connections; one is enough for a few cores.</summary>
    public int Reactors { get; set; } = 1;

    /// <summary>Most memory for payloads of clients' requests, and as much again for what comes from other replicas.</summary>
    public ByteSize BufferBytes { get; set; } = new(512 * ByteSize.MiB);

    /// <summary>Most memory for the buffers of one target's chunk engine.</summary>
    public ByteSize EngineBufferBytes { get; set; } = new(256 * ByteSize.MiB);

    /// <summary>Disk space that chunks never take.</summary>
    public ByteSize ReservedBytes { get; set; } = new(64 * ByteSize.MiB);

    /// <summary>
    /// What an acknowledged write has survived without an fsync: the death of every process, or with "write" the loss of power too. Then every
    /// write waits for a flush, which those that come together share.
    /// </summary>
    public Durability Durability { get; set; } = Durability.Process;

    /// <summary>Most bytes a second that each target's scrubber reads to look for damage; 0 turns it off.</summary>
    public ByteSize ScrubBytesPerSecond { get; set; } = new(8 * ByteSize.MiB);

    /// <summary>Most bytes a second that this server sends to targets it brings up to date, all together; 0: no limit.</summary>
    public ByteSize ResyncBytesPerSecond { get; set; }

    /// <summary>From the beginning of one pass of a scrubber to that of the next.</summary>
    public TimeSpan ScrubInterval { get; set; } = TimeSpan.FromDays(7);

    /// <summary>A disk that does not answer for this long is taken out of service until it answers again.</summary>
    public TimeSpan DiskHungAfter { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// A disk of which most writes of 4 KiB take this long is taken out of service until they no longer do. The last replica of a chain stays.
    /// </summary>
    public TimeSpan DiskSlowAfter { get; set; } = TimeSpan.FromSeconds(5);

    public TimeSpan HeartbeatInterval { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long a stopping server waits for requests under way.</summary>
    public TimeSpan DrainTime { get; set; } = TimeSpan.FromSeconds(2);

    public Status Validate()
    {
        if (ClusterId.Length == 0) return Bad("cluster_id is empty");
        if (NodeId == 0) return Bad("node_id is missing; give every process of the cluster a number of its own, not 0");
        if (Mgmtd.Length == 0) return Bad("mgmtd is missing; name at least one cluster manager, such as [\"127.0.0.1:8000\"]");
        if (!IPAddress.TryParse(Host, out _)) return Bad($"host = \"{Host}\" is not an IP address");
        if (DataPort is < 0 or > 65535) return Bad($"data_port = {DataPort} is not a port");
        if (HttpPort is < 0 or > 65535) return Bad($"http_port = {HttpPort} is not a port");
        if (DataPaths.Length == 0) return Bad("data_paths is missing; name a directory for each disk, such as [\"/data1\"]");
        if (DataPaths.Select(Path.GetFullPath).Distinct().Count() != DataPaths.Length) return Bad("data_paths names a directory twice");
        if (Reactors is < 1 or > 256) return Bad($"reactors = {Reactors} is not between 1 and 256");
        if (BufferBytes < 128 * ByteSize.MiB) return Bad($"buffer_bytes = \"{BufferBytes}\" is less than the 128MiB that chunks of 64MiB need");
        if (EngineBufferBytes < 128 * ByteSize.MiB) return Bad($"engine_buffer_bytes = \"{EngineBufferBytes}\" is less than 128MiB");
        if (ResyncBytesPerSecond > 0 && ResyncBytesPerSecond < ByteSize.MiB)
            return Bad($"resync_bytes_per_second = \"{ResyncBytesPerSecond}\" is less than 1MiB; 0 is no limit");
        if (ScrubInterval < TimeSpan.FromSeconds(1)) return Bad($"scrub_interval = \"{ScrubInterval.TotalMilliseconds}ms\" is less than 1s");
        if (DiskHungAfter < TimeSpan.FromSeconds(1)) return Bad($"disk_hung_after = \"{DiskHungAfter.TotalMilliseconds}ms\" is less than 1s");
        if (DiskSlowAfter < TimeSpan.FromMilliseconds(1)) return Bad($"disk_slow_after = \"{DiskSlowAfter.TotalMilliseconds}ms\" is less than 1ms");
        if (HeartbeatInterval < TimeSpan.FromMilliseconds(10)) return Bad($"heartbeat_interval = \"{HeartbeatInterval.TotalMilliseconds}ms\" is less than 10ms");
        return Status.Ok;
    }

    private static Status Bad(string message) => new(StatusCode.InvalidArgument, message);
}
