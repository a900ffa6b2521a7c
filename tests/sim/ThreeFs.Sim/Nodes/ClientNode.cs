using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Client.Connections;
using ThreeFs.Client.Files;
using ThreeFs.Client.Meta;
using ThreeFs.Client.Mgmtd;
using ThreeFs.Client.Storage;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Sim.Network;
using ThreeFs.Sim.World;

namespace ThreeFs.Sim.Nodes;

/// <summary>A client process: the production client library over the simulated network.</summary>
internal sealed class ClientNode
{
    public ClientNode(SimCluster cluster, int number)
    {
        Name = $"client-{number}";
        var world = cluster.World;
        Process = new SimProcess(world, new SimHost(Name), Name, new ProcessClock(world) { Origin = world.Random.Next(1 << 30) });
        var logs = new SimLogs(world, Name);
        var transport = new SimTransport(cluster.Network, Process);
        var mgmtd = cluster.NewMgmtdClient(Process);
        var id = new ClientId(Process.Random.NextGuid());
        Routing = new RoutingCache(mgmtd, SimCluster.ClusterId, Process.Time, logs);
        var pool = new ConnectionPool(transport, new ConnectionPoolOptions(), Process.Time, Process.Random.Fork());
        Storage = new StorageClient(
            pool, Routing, new StorageClientOptions { Deadline = TimeSpan.FromMinutes(10), Channels = 8 }, id, Process.Time,
            Process.Random.Fork(), logs);
        var meta = new MetaClient(
            transport, Routing, new MetaClientOptions { Deadline = TimeSpan.FromMinutes(10), StorageDeadline = TimeSpan.FromMinutes(10) },
            Process.Time, Process.Random.Fork());
        Files = new FileSystemClient(
            meta, new FileContents(Storage, Routing, Process.Time), id, new FileSystemOptions { SyncInterval = TimeSpan.FromSeconds(1) },
            Process.Time, Process.Random.Fork(), logs);
        var session = new ClientSession(id, Name, "", 1, Process.Time.GetUtcNow(), Process.Time.GetUtcNow());
        var sessions = new SessionLoop(session, SimCluster.ClusterId, mgmtd, Process.Time, logs) { Interval = TimeSpan.FromSeconds(2) };
        world.Memory.Add(Memory.Abandon);
        world.Memory.Add(() => _ = meta.DisposeAsync().AsTask());
        Process.Enter(_ =>
        {
            Routing.Start();
            sessions.Start();
            Files.Start();
        }, null);
    }

    public string Name { get; }
    public SimProcess Process { get; }
    public RoutingCache Routing { get; }
    public StorageClient Storage { get; }
    public FileSystemClient Files { get; }
    public BufferPool Memory { get; } = new(64 * ByteSize.MiB);
}
