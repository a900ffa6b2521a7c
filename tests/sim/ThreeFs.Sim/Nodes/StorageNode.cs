using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Client.Connections;
using ThreeFs.Client.Mgmtd;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;
using ThreeFs.Sim.Network;
using ThreeFs.Sim.World;
using ThreeFs.Storage;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.Peers;
using ThreeFs.Storage.Server;
using ThreeFs.Storage.Server.Disks;
using ThreeFs.Storage.Server.Peers;
using ThreeFs.Storage.Server.Requests;
using ThreeFs.Storage.Targets;
using ThreeFs.Storage.Threading;
using ThreeFs.Transport;

namespace ThreeFs.Sim.Nodes;

/// <summary>
/// A storage server: the production request handling, replicas, chunk engine, peers, routing cache and heartbeats, on simulated disks and
/// the simulated network.
/// </summary>
internal sealed class StorageNode(SimCluster cluster, uint id, string name) : SimNode(cluster, new NodeId(id), name), INodeControl
{
    private readonly SortedDictionary<ulong, SimDisk> _disks = [];

    public ReplicaSet? Replicas { get; private set; }

    public IEnumerable<SimDisk> Disks => _disks.Values;

    /// <summary>Gives the node a target; before its first start.</summary>
    public void AddTarget(TargetId target, ChainId chain) => _disks.Add(target.Value, new SimDisk(Cluster.World, new TargetIdentity(target, chain)));

    public override void Kill(bool losesPower)
    {
        if (!IsUp) return;
        base.Kill(losesPower);
        foreach (var disk in Disks) disk.Crash(losesPower);
    }

    protected override void Ended() => Replicas = null;

    protected override async Task RunAsync(SimProcess process)
    {
        var logs = LogsOf(process);
        var memory = new BufferPool(256 * ByteSize.MiB);
        Cluster.World.Memory.Add(memory.Abandon);
        var pool = new ConnectionPool(
            new SimTransport(Cluster.Network, process), new ConnectionPoolOptions(), process.Time, process.Random.Fork());
        var replicas = new ReplicaSet();
        var peers = Cluster.Variant.Wrap(new ReplicaPeers(pool, process, memory), replicas);
        var routing = new RoutingCache(Cluster.NewMgmtdClient(process), SimCluster.ClusterId, process.Time, logs);
        var lease = new HeartbeatLease();
        HeartbeatLoop? heartbeats = null;
        var observer = new NodeObserver(Cluster.World, () => heartbeats?.Kick());
        foreach (var disk in Disks)
        {
            var services = new ReplicaServices(
                process, process.Time, peers, routing, Cluster.Variant.Wrap(lease), memory, Cluster.Limits, observer, (SimLogs)logs)
            {
                Broken = e => Cluster.World.Fail(new SimFailure($"{Name} broke: {e}", e)),
            };
            var replica = await OpenAsync(disk, services, logs);
            replicas.Add(replica).ThrowIfFailed();
            replica.Apply(routing.Current);
            process.Start(() => TickAsync(process, replica));
        }

        var handler = Cluster.Variant.Wrap(new StorageHandler(replicas, memory, memory, process.Time, this), replicas);
        var watched = new WatchedHandler(handler, Cluster, Name, replicas);
        var listening = new SimTransport(Cluster.Network, process).Listen(new Endpoint(SimTransport.SimScheme, Name, 1), watched);
        listening.Status.ThrowIfFailed();
        routing.Changed += _ => replicas.RoutingChanged(routing);
        routing.Start();
        heartbeats = Beat(process, NodeKind.Storage, [new(EndpointKind.Data, Name, 1)], new HeartbeatOptions("", Id, NodeKind.Storage, "", 0, [])
        {
            CollectTargets = replicas.ReportAsync,
            OnReply = reply =>
            {
                if (reply.Routing > routing.Current.Version) routing.RequestRefresh();
            },
        });
        lease.Follow(heartbeats);
        heartbeats.Start();
        Replicas = replicas;
    }

    private async Task<Replica> OpenAsync(SimDisk disk, ReplicaServices services, Microsoft.Extensions.Logging.ILoggerFactory logs)
    {
        var watcher = new StoreObserver((SimLogs)logs);
        var store = await disk.OpenAsync(watcher, Cluster.Variant);
        if (store.Counters.DroppedUpdates > 0) Cluster.World.Timeline.Probe("disk: a power loss tore an update");
        var replica = new Replica(store, 0, services);
        watcher.Replica = replica;
        return replica;
    }

    private async Task TickAsync(SimProcess process, Replica replica)
    {
        var damaged = 0L;
        while (!replica.IsStopped)
        {
            await process.DelayAsync(replica.Services.Limits.MaintainInterval, process.Time, CancellationToken.None);
            await replica.TickAsync();
            if (replica.Scrub.Damaged > damaged) Cluster.World.Timeline.Probe("disk: the scrubber found damage");
            damaged = replica.Scrub.Damaged;
        }
    }

    ValueTask<Status> INodeControl.CreateTargetAsync(CreateTargetRequest request) =>
        new(new Status(StatusCode.NotImplemented, "targets are made before the run"));

    ValueTask<Status> INodeControl.DestroyTargetAsync(DestroyTargetRequest request) =>
        new(new Status(StatusCode.NotImplemented, "simulated disks keep their targets"));

    IReadOnlyList<DiskSpace> INodeControl.GetSpace() => [];

    private sealed class NodeObserver(SimWorld world, Action standingChanged) : IStorageObserver
    {
        public void Forwarded(StatusCode code, TimeSpan time)
        {
            if (code is not (StatusCode.Ok or StatusCode.ConnectFailed)) world.Timeline.Probe($"forward: {code}");
        }

        public void AskedTail(StatusCode code) => world.Timeline.Probe($"read asked the tail: {code}");

        public void Resynced(TargetId target, bool removed, long bytes) =>
            world.Timeline.Probe(removed ? "resync: chunk removed" : "resync: chunk sent");

        public void Repaired(bool succeeded) => world.Timeline.Probe(succeeded ? "disk: chunk repaired" : "disk: chunk not repaired");

        public void Scrubbed(long bytes) => world.Timeline.Probe("scrubbed");

        public void ReadFailed(Replica replica) => world.Timeline.Probe("disk: read failed");

        public void StandingChanged(Replica replica) => standingChanged();
    }
}
