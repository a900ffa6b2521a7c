using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Client.Connections;
using ThreeFs.Client.Mgmtd;
using ThreeFs.Client.Storage;
using ThreeFs.Contracts.Routing;
using ThreeFs.Hosting;
using ThreeFs.Io;
using ThreeFs.Transport;

namespace ThreeFs.Cli.Dev;

/// <summary>A command's connections to a cluster: the cluster manager, the routing, the storage servers.</summary>
internal sealed class ClusterView : IAsyncDisposable
{
    private readonly ImmutableArray<string> _addresses;
    private readonly Reactor _reactor;
    private readonly HostTransport _transport;
    private readonly ConnectionPool _pool;

    private ClusterView(string clusterId, ImmutableArray<string> mgmtd, ILoggerFactory logs)
    {
        var host = HostServices.ForProcess("threefs", LogLevel.Error);
        ClusterId = clusterId;
        _addresses = mgmtd;
        _reactor = Reactor.Start("cli").Value;
        _transport = HostTransport.Create([_reactor], TransportChoice.Auto).Value;
        Mgmtd = new MgmtdClient(new MgmtdClientOptions(mgmtd), host.Time);
        Routing = new RoutingCache(Mgmtd, clusterId, host.Time, logs);
        _pool = new ConnectionPool(_transport, new ConnectionPoolOptions(), host.Time, host.NewRandom());
        Storage = new StorageClient(
            _pool, Routing, new StorageClientOptions(), new ClientId(Guid.NewGuid()),
            host.Time, host.NewRandom(), logs);
    }

    public string ClusterId { get; }
    public MgmtdClient Mgmtd { get; }
    public RoutingCache Routing { get; }
    public StorageClient Storage { get; }

    public static ClusterView Connect(LocalCluster cluster, ILoggerFactory logs) =>
        Connect(cluster.Plan.ClusterId, [.. cluster.MgmtdAddresses], logs);

    /// <param name="mgmtd">
    /// "host:port" of cluster managers, as <see cref="MgmtdClientOptions.Validate"/> accepts them.
    /// </param>
    public static ClusterView Connect(string clusterId, ImmutableArray<string> mgmtd, ILoggerFactory logs)
    {
        var view = new ClusterView(clusterId, mgmtd, logs);
        view.Routing.Start();
        return view;
    }

    /// <summary>The routing of now; empty when no primary answers in time.</summary>
    public async Task<RoutingInfo> NewestRoutingAsync(TimeSpan patience, CancellationToken ct)
    {
        var result = await FindRoutingAsync(patience, ct);
        return result.TryGet(out var routing) ? routing : RoutingInfo.Empty;
    }

    /// <summary>The routing of now, or why there is none.</summary>
    public async Task<Result<RoutingInfo>> FindRoutingAsync(TimeSpan patience, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(patience);
        var reason = "no answer";
        while (!limit.IsCancellationRequested)
        {
            var result = await Mgmtd.GetRoutingAsync(ClusterId, new RoutingVersion(0), limit.Token);
            if (result.TryGet(out var routing) && routing is not null)
            {
                await Routing.WaitFor(r => r.Version >= routing.Version, limit.Token);
                return routing;
            }

            if (result.Code == StatusCode.ClusterMismatch) return result.Status;
            if (result.Code != StatusCode.Cancelled) reason = result.Status.Message ?? result.Code.ToString();
            await Task.Delay(50, ct);
        }

        return new Status(
            StatusCode.Unavailable,
            $"cluster {ClusterId} does not answer at {string.Join(", ", _addresses)} "
            + $"within {patience.TotalSeconds} s: {reason}");
    }

    /// <summary>Space of the storage nodes that answer in time; null when none does.</summary>
    public async Task<ClusterSpace?> SpaceAsync(TimeSpan patience, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(patience);
        var asked = await ClusterSpace.AskAsync(Storage.Admin, Routing.Current, limit.Token);
        return asked.TryGet(out var space) ? space : null;
    }

    public async ValueTask DisposeAsync()
    {
        await Routing.DisposeAsync();
        await _pool.DisposeAsync();
        Mgmtd.Dispose();
        await _transport.DisposeAsync();
        await _reactor.DisposeAsync();
    }
}
