using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Client.Connections;
using ThreeFs.Client.Files;
using ThreeFs.Client.Meta;
using ThreeFs.Client.Mgmtd;
using ThreeFs.Client.Storage;

namespace ThreeFs.Client;

/// <summary>What a client process needs to know to use a cluster.</summary>
public sealed record ClientOptions
{
    /// <summary>"host:port" of every mgmtd's gRPC endpoint.</summary>
    public required ImmutableArray<string> Mgmtd { get; init; }

    public string ClusterId { get; init; } = "threefs";

    /// <summary>Shown to operators beside the client's session.</summary>
    public string HostName { get; init; } = Environment.MachineName;

    /// <summary>Shown to operators beside the client's session, for example "mount /data".</summary>
    public string Description { get; init; } = "";

    /// <summary>How long connecting waits for the first routing.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(30);

    public ConnectionPoolOptions Connections { get; init; } = new();
    public StorageClientOptions Storage { get; init; } = new();
    public MetaClientOptions Meta { get; init; } = new();
    public FileSystemOptions Files { get; init; } = new();
    public RoutingCacheOptions Routing { get; init; } = new();

    public Status Validate()
    {
        if (string.IsNullOrWhiteSpace(ClusterId))
            return new Status(StatusCode.InvalidArgument, "cluster_id: must not be empty");
        if (Storage.Channels is <= 0 or > ushort.MaxValue)
            return new Status(StatusCode.InvalidArgument,
                $"storage.channels: must be 1 to 65535, not {Storage.Channels}");
        if (Connections.PerEndpoint is <= 0 or > 64)
            return new Status(StatusCode.InvalidArgument,
                $"connections.per_endpoint: must be 1 to 64, not {Connections.PerEndpoint}");
        var meta = Meta.Validate();
        return meta.IsOk ? new MgmtdClientOptions(Mgmtd).Validate() : meta;
    }
}
