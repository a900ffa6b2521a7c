using ThreeFs.Base;
using ThreeFs.Client.Connections;
using ThreeFs.Client.Mgmtd;
using ThreeFs.Client.Storage;
using ThreeFs.Contracts.Meta;
using ThreeFs.Contracts.Routing;
using ThreeFs.Meta;
using ThreeFs.Meta.Server.Wire;
using ThreeFs.Sim.Network;
using ThreeFs.Sim.World;
using ThreeFs.Transport;

namespace ThreeFs.Sim.Nodes;

/// <summary>A metadata server: the production service and its request handling on the shared store and the simulated network.</summary>
internal sealed class MetaNode(SimCluster cluster, uint id, string name) : SimNode(cluster, new NodeId(id), name)
{
    protected override async Task RunAsync(SimProcess process)
    {
        var logs = LogsOf(process);
        var mgmtd = Cluster.NewMgmtdClient(process);
        var transport = new SimTransport(Cluster.Network, process);
        var routing = new RoutingCache(mgmtd, SimCluster.ClusterId, process.Time, logs);
        var pool = new ConnectionPool(transport, new ConnectionPoolOptions(), process.Time, process.Random.Fork());
        var storage = new StorageClient(
            pool, routing, new StorageClientOptions { Deadline = TimeSpan.FromSeconds(30) }, new ClientId(process.Random.NextGuid()),
            process.Time, process.Random.Fork(), logs);
        var options = new MetaServiceOptions
        {
            RootLayout = new Layout(SimCluster.Table, default, SimCluster.FileChunkSize, (uint)Cluster.Shape.Chains, 0, 0),
            GarbageDelay = TimeSpan.FromSeconds(1),
        };
        var chunks = Cluster.Variant.Wrap(new FileChunks(storage, routing, process.Time));
        var service = new MetaService(
            Cluster.NewKv(process), chunks, routing, options, process.Time, process.Random.Fork(), new Observer(Cluster.World));
        while (!(await service.InitializeAsync(CancellationToken.None)).IsOk) await Task.Delay(TimeSpan.FromMilliseconds(50), process.Time);
        var handler = new MetaFrameHandler(new MetaDispatcher(Cluster.Variant.Wrap(service, chunks)), 1024, CancellationToken.None);
        Cluster.World.Memory.Add(handler.Dispose);
        transport.Listen(new Endpoint(SimTransport.SimScheme, Name, 1), handler).Status.ThrowIfFailed();
        routing.Start();
        Beat(process, NodeKind.Meta, [new(EndpointKind.Data, Name, 1)], new HeartbeatOptions("", Id, NodeKind.Meta, "", 0, [])
        {
            OnReply = reply =>
            {
                if (reply.Routing > routing.Current.Version) routing.RequestRefresh();
            },
        }).Start();
        process.Start(() => EveryAsync(process, TimeSpan.FromSeconds(1), async () => (await service.Garbage.RunRoundAsync(default)).Status));
        process.Start(() => EveryAsync(process, TimeSpan.FromSeconds(20), async () => (await service.Requests.RunRoundAsync(default)).Status));
        process.Start(() => EveryAsync(process, TimeSpan.FromSeconds(5), () => PruneAsync(service, mgmtd)));
    }

    private async Task EveryAsync(SimProcess process, TimeSpan interval, Func<Task<Status>> round)
    {
        for (;;)
        {
            await Task.Delay(interval * (0.8 + 0.4 * process.Random.NextDouble()), process.Time);
            await round();
        }
    }

    private static async Task<Status> PruneAsync(MetaService service, Contracts.Mgmtd.IMgmtdService mgmtd)
    {
        var clients = await mgmtd.ListClientSessionsAsync(SimCluster.ClusterId, default);
        return clients.TryGet(out var sessions) ? (await service.Sessions.RunRoundAsync(sessions, default)).Status : clients.Status;
    }

    private sealed class Observer(SimWorld world) : IMetaObserver
    {
        public void OperationDone(string operation, StatusCode code, TimeSpan elapsed)
        {
        }

        public void MutationRepeated() => world.Timeline.Probe("mutation: repeated and recognised");
    }
}
