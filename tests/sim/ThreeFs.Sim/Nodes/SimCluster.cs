using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;
using ThreeFs.Kv;
using ThreeFs.Mgmtd;
using ThreeFs.Sim.Faults;
using ThreeFs.Sim.Network;
using ThreeFs.Sim.World;
using ThreeFs.Storage;
using ThreeFs.Storage.Targets;

namespace ThreeFs.Sim.Nodes;

/// <summary>A whole cluster in one thread: cluster managers, metadata and storage servers, clients, and the network between them.</summary>
internal sealed class SimCluster
{
    public const string ClusterId = "sim";
    public const uint FileChunkSize = 1 << 16;

    /// <summary>No inode has it: chunks that clients update without a file.</summary>
    public static readonly InodeId RegisterInode = new(ulong.MaxValue - 1);
    public static readonly ChainTableId Table = new(1);

    public static readonly MgmtdTiming Timing = new()
    {
        ClientSession = TimeSpan.FromSeconds(10),
        Bootstrapping = TimeSpan.FromSeconds(5),
    };

    private static readonly StorageLimits _limits = new()
    {
        RecoverAfter = TimeSpan.FromSeconds(1), ChunkQueue = 32, ResyncPage = 7,
        FirstScrubAfter = TimeSpan.FromSeconds(1), ScrubInterval = TimeSpan.FromSeconds(3), ScrubBytesPerSecond = 1 << 20,
        RepairPause = TimeSpan.FromSeconds(2),
    };

    private readonly ImmutableArray<string> _managerHosts;

    public SimCluster(SimWorld world, ClusterShape shape, Variant variant)
    {
        (World, Shape, Variant) = (world, shape, variant);
        Network = new SimNetwork(world);
        Managers = new SimRpc<IMgmtdService>(Network);
        Kv = new MemoryKvEngine(new ProcessClock(world)) { CanLosePower = true };
        Mgmtds = [.. Enumerable.Range(1, shape.Mgmtds).Select(i => new MgmtdNode(this, (uint)i, $"mgmtd-{i}"))];
        Metas = [.. Enumerable.Range(1, shape.Metas).Select(i => new MetaNode(this, (uint)(20 + i), $"meta-{i}"))];
        Storages = [.. Enumerable.Range(1, shape.Storages).Select(i => new StorageNode(this, (uint)(100 + i), $"storage-{i}"))];
        _managerHosts = [.. Mgmtds.Select(m => m.Name)];
        Chains = [.. Enumerable.Range(0, shape.Chains).Select(MakeChain)];
    }

    public SimWorld World { get; }
    public ClusterShape Shape { get; }
    public Variant Variant { get; }
    public InodeId? Watched { get; init; }
    public SimNetwork Network { get; }

    /// <summary>Where each update of a client arrived first.</summary>
    public Dictionary<UpdateTag, WatchedHandler> FirstSeen { get; } = [];

    /// <summary>The store as it is, without faults.</summary>
    public MemoryKvEngine Kv { get; }
    public SimRpc<IMgmtdService> Managers { get; }
    public ImmutableArray<MgmtdNode> Mgmtds { get; }
    public ImmutableArray<MetaNode> Metas { get; }
    public ImmutableArray<StorageNode> Storages { get; }
    public ImmutableArray<ChainSetting> Chains { get; }

    public StorageLimits Limits => _limits with { Durability = Shape.Durability };

    /// <summary>Clients that live, and those that died.</summary>
    public List<ClientNode> Clients { get; } = [];

    public IEnumerable<SimNode> Nodes => [.. Mgmtds, .. Metas, .. Storages];

    /// <summary>What the primary shows, or null while there is none.</summary>
    public RoutingInfo? Picture => Mgmtds.Select(m => m.Service?.Picture).FirstOrDefault(p => p is not null);

    /// <summary>Every replica of every chain that lives now.</summary>
    public IEnumerable<Replica> Replicas => Storages.Where(s => s.Replicas is not null).SelectMany(s => s.Replicas!.All);

    /// <summary>Clients may hear that there is no space.</summary>
    public bool MayLackSpace => Storages.Any(s => s.Disks.Any(d => d.MayLackSpace));

    /// <summary>Also when they update what is there.</summary>
    public bool MayBeFull => Storages.Any(s => s.Disks.Any(d => d.MayBeFull));

    public bool AllServe => Picture is { } picture
        && Storages.All(s => s.Replicas is not null)
        && Chains.All(c => picture.Chains.TryGetValue(c.Id, out var chain) && chain.Targets.All(t => t.State == TargetState.Serving))
        && Replicas.Count() == Chains.Sum(c => c.Targets.Length)
        && Replicas.All(r => r.Standing.Local == LocalTargetState.UpToDate && r.Place.Chain.Version == picture.Chains[r.Chain].Version);

    public bool IsQuiet => Replicas.All(r => r.InFlight == 0 && !HasPending(r));

    public void Start()
    {
        KeepFlushing();
        foreach (var node in Nodes) node.Start();
        var admin = new SimProcess(World, new SimHost("admin"), "admin");
        World.Run(admin.Start(() => SetUpAsync(admin)), TimeSpan.FromSeconds(60));
        admin.Die();
        if (!World.RunUntil(() => AllServe, TimeSpan.FromSeconds(30))) throw new SimFailure("a new cluster does not serve");
    }

    public ClientNode NewClient()
    {
        var client = new ClientNode(this, Clients.Count + 1);
        Clients.Add(client);
        return client;
    }

    public IMgmtdService NewMgmtdClient(SimProcess process) => new SimMgmtdClient(Managers, process, _managerHosts);

    /// <summary>The store as one process sees it: with latency, conflicts, and commits of which nobody knows whether they happened.</summary>
    public IKvEngine NewKv(SimProcess process) => new FaultyKvEngine(
        Variant.Wrap(Kv),
        new SeededKvFaults(process.Random.Fork())
        {
            CommitConflict = Shape.KvFaults, CommitMaybeCommitted = Shape.KvFaults, ReadTooOld = Shape.KvFaults / 4,
            MinDelay = TimeSpan.FromMicroseconds(50), MaxDelay = TimeSpan.FromMicroseconds(500),
        },
        process.Time);

    /// <summary>The store makes relaxed commits durable from time to time by itself.</summary>
    private void KeepFlushing() => World.After(Shape.KvFlush, null, _ =>
    {
        _ = Kv.FlushAsync();
        KeepFlushing();
    });

    private ChainSetting MakeChain(int index)
    {
        var id = new ChainId((uint)(index + 1));
        var targets = ImmutableArray.CreateBuilder<TargetId>();
        for (var i = 0; i < Shape.Replicas; i++)
        {
            var node = Storages[(index + i) % Shape.Storages];
            var target = new TargetId((ulong)(node.Id.Value * 100 + index));
            node.AddTarget(target, id);
            targets.Add(target);
        }

        return new ChainSetting(id, targets.ToImmutable(), []);
    }

    private async Task<bool> SetUpAsync(SimProcess admin)
    {
        var mgmtd = NewMgmtdClient(admin);
        while (!(await mgmtd.SetChainsAsync(ClusterId, Chains, CancellationToken.None)).IsOk)
            await Task.Delay(TimeSpan.FromMilliseconds(100), admin.Time);
        while (!(await mgmtd.SetChainTableAsync(ClusterId, Table, [.. Chains.Select(c => c.Id)], "", CancellationToken.None)).IsOk)
            await Task.Delay(TimeSpan.FromMilliseconds(100), admin.Time);
        return true;
    }

    private static bool HasPending(Replica replica)
    {
        var one = new Storage.ChunkEngine.ChunkState[1];
        return replica.Store.ListPending(one) > 0;
    }
}

/// <summary>What a cluster is made of, drawn from the seed.</summary>
/// <param name="HasFiles">Clients beside the first work with files; otherwise all of them update chunks.</param>
/// <param name="KvFaults">How often a transaction fails.</param>
/// <param name="KvFlush">How long a relaxed commit may be lost by power failure.</param>
internal sealed record ClusterShape(
    int Mgmtds, int Metas, int Storages, int Replicas, int Chains, int Clients, bool HasFiles, double KvFaults, TimeSpan KvFlush)
{
    /// <summary>In every fourth run an acknowledgement waits for the flush. Follows from what is drawn anyway.</summary>
    public Durability Durability => KvFlush.Ticks % 4 == 0 ? Durability.Write : Durability.Process;

    public static ClusterShape Draw(SeededRandom random)
    {
        var isLarge = random.NextBool(0.12);
        return new ClusterShape(
            2, random.Next(1, 3), isLarge ? random.Next(6, 10) : random.Next(3, 6), random.NextBool(0.7) ? 3 : 2,
            isLarge ? random.Next(4, 7) : random.Next(1, 4), random.Next(2, 5), random.NextBool(0.5), random.NextBool(0.5) ? 0.01 : 0,
            TimeSpan.FromSeconds(0.1 + 2 * random.NextDouble()));
    }

    public override string ToString() =>
        $"{Mgmtds} mgmtd, {Metas} meta, {Storages} storage, {Chains} chains of {Replicas}, {Clients} clients{(HasFiles ? " with files" : "")}, "
        + $"store faults {KvFaults:0.##}{(Durability == Durability.Write ? ", durability write" : "")}";
}
