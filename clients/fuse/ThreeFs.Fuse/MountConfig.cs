using ThreeFs.Base;
using ThreeFs.Client.Mgmtd;
using ThreeFs.Contracts.Meta;
using ThreeFs.Transport;

namespace ThreeFs.Fuse;

/// <summary>Where fcntl(2) and flock(2) locks hold.</summary>
public enum LockScope
{
    /// <summary>Between all mounts of the cluster.</summary>
    Cluster = 0,
    /// <summary>Between the processes that use this mount.</summary>
    Local = 1,
}

/// <summary>Configuration of a mount.</summary>
public sealed record MountConfig
{
    private static readonly int _maxOperationTimeoutMs = (int)RequestLifetime.MaxRepeating.TotalMilliseconds;

    /// <summary>An existing directory.</summary>
    public string MountPoint { get; set; } = "";

    public string ClusterId { get; set; } = "threefs";

    /// <summary>"host:port" of every mgmtd's gRPC endpoint.</summary>
    public string[] Mgmtd { get; set; } = [];

    /// <summary>Address of the metrics endpoint.</summary>
    public string Host { get; set; } = "127.0.0.1";

    /// <summary>Port of /metrics and /healthz; 0: a free one.</summary>
    public int HttpPort { get; set; }

    /// <summary>Other users than the one who mounts may use the mount, within their permissions.</summary>
    public bool AllowOther { get; set; } = true;

    public bool ReadOnly { get; set; }

    /// <summary>Threads that take requests from the kernel; 0: one for each core, at least 2 and at most 8.</summary>
    public int Threads { get; set; }

    /// <summary>Network threads; 0: one for each four cores, at least 1.</summary>
    public int Reactors { get; set; }

    /// <summary>
    /// How servers are reached: "auto" in the best way that both sides can (shared memory on one host, RDMA, TCP), else only in the one
    /// that is named: "shm", "rdma", "tcp".
    /// </summary>
    public TransportChoice Transport { get; set; } = TransportChoice.Auto;

    /// <summary>Connections to one storage server.</summary>
    public int ConnectionsPerServer { get; set; } = 1;

    /// <summary>
    /// How long the kernel believes attributes and names, in milliseconds: how late another client's changes show.
    /// </summary>
    public int AttrTimeoutMs { get; set; } = 1000;

    public int EntryTimeoutMs { get; set; } = 1000;

    /// <summary>How long the kernel believes that a name does not exist; 0: not at all.</summary>
    public int NegativeTimeoutMs { get; set; }

    /// <summary>How often lengths of files open for writing are reported to the metadata service.</summary>
    public int SyncIntervalMs { get; set; } = 5000;

    /// <summary>
    /// A file open for reading this long is registered, so that it survives being unlinked by another client.
    /// </summary>
    public int KeepOpenAfterMs { get; set; } = 5000;

    /// <summary>
    /// How long an operation waits for servers before it fails with an I/O error, in milliseconds; at most as long as
    /// the metadata service recognises a repeated change.
    /// </summary>
    public int OperationTimeoutMs { get; set; } = _maxOperationTimeoutMs;

    /// <summary>Local ones cost no call, and other mounts do not see them.</summary>
    public LockScope Locks { get; set; } = LockScope.Cluster;

    public Status Validate()
    {
        if (string.IsNullOrWhiteSpace(MountPoint)) return Bad("mount_point", "is not set");
        if (string.IsNullOrWhiteSpace(ClusterId)) return Bad("cluster_id", "is empty");
        var mgmtd = new MgmtdClientOptions([.. Mgmtd]).Validate();
        if (!mgmtd.IsOk) return mgmtd;
        if (HttpPort is < 0 or > ushort.MaxValue) return Bad("http_port", $"= {HttpPort} is not a port");
        if (Threads is < 0 or > 256) return Bad("threads", $"= {Threads} is not in 0…256");
        if (Reactors is < 0 or > 64) return Bad("reactors", $"= {Reactors} is not in 0…64");
        if (ConnectionsPerServer is < 1 or > 64)
            return Bad("connections_per_server", $"= {ConnectionsPerServer} is not in 1…64");
        if (AttrTimeoutMs < 0) return Bad("attr_timeout_ms", "is negative");
        if (EntryTimeoutMs < 0) return Bad("entry_timeout_ms", "is negative");
        if (NegativeTimeoutMs < 0) return Bad("negative_timeout_ms", "is negative");
        if (SyncIntervalMs < 10) return Bad("sync_interval_ms", $"= {SyncIntervalMs} is below 10");
        if (KeepOpenAfterMs < 10) return Bad("keep_open_after_ms", $"= {KeepOpenAfterMs} is below 10");
        return OperationTimeoutMs < 1000 || OperationTimeoutMs > _maxOperationTimeoutMs
            ? Bad("operation_timeout_ms", $"= {OperationTimeoutMs} is not in 1000…{_maxOperationTimeoutMs}, "
                + "within which a repeated change is recognised")
            : Status.Ok;
    }

    private static Status Bad(string key, string what) => new(StatusCode.InvalidArgument, $"{key} {what}");
}
