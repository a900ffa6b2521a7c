using ThreeFs.Base;
using ThreeFs.Client.Connections;
using ThreeFs.Client.Mgmtd;
using ThreeFs.Client.Storage;
using ThreeFs.Contracts.Meta;
using ThreeFs.Hosting;
using ThreeFs.Transport;

namespace ThreeFs.Meta.Server;

/// <summary>What a metadata server needs of the rest of the cluster: the manager, its routing, and files' chunks.</summary>
internal sealed class ClusterView : IAsyncDisposable
{
    private readonly ConnectionPool _pool;

    public ClusterView(MetaConfig config, HostServices host, ITransport transport)
    {
        Mgmtd = new MgmtdClient(new MgmtdClientOptions([.. config.Mgmtd]), host.Time);
        Routing = new RoutingCache(Mgmtd, config.ClusterId, host.Time, host.Logs);
        _pool = new ConnectionPool(transport, new ConnectionPoolOptions(), host.Time, host.NewRandom());
        var random = host.NewRandom();
        var options = new StorageClientOptions { Deadline = config.StorageDeadline };
        var storage = new StorageClient(_pool, Routing, options, new ClientId(random.NextGuid()), host.Time, random, host.Logs);
        Chunks = new FileChunks(storage, Routing, host.Time);
    }

    public MgmtdClient Mgmtd { get; }
    public RoutingCache Routing { get; }
    public IFileChunks Chunks { get; }

    public async ValueTask DisposeAsync()
    {
        await Routing.DisposeAsync();
        await _pool.DisposeAsync();
        Mgmtd.Dispose();
    }
}
