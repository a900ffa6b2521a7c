using System.Diagnostics;
using ThreeFs.Base;
using ThreeFs.Sim.Checks;
using ThreeFs.Sim.Faults;
using ThreeFs.Sim.Nodes;
using ThreeFs.Sim.Workloads;
using ThreeFs.Sim.World;
using ThreeFs.Storage;

namespace ThreeFs.Sim;

/// <summary>What one run is made of beside its seed.</summary>
/// <param name="Skip">Faults left out, by their number: how a failing run is made smaller.</param>
/// <param name="Watched">The inode whose chunks' updates are written into the timeline.</param>
internal sealed record SimOptions(ulong Seed, Variant Variant, IReadOnlySet<int>? Skip = null, InodeId? Watched = null);

/// <param name="Failure">Null when every promise was kept.</param>
internal sealed record SimResult(
    ulong Seed, string? Failure, string Timeline, ulong Hash, IReadOnlyDictionary<string, int> Probes, IReadOnlyList<Fault> Faults,
    string Shape, int Writes, int Reads, long Events, TimeSpan Virtual, TimeSpan Real);

/// <summary>One seed, one cluster, one history: start, work under faults, heal, judge.</summary>
internal static class SimRun
{
    private static readonly TimeSpan _trouble = TimeSpan.FromSeconds(15);

    public static SimResult Run(SimOptions options)
    {
        var started = Stopwatch.GetTimestamp();
        var before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        var world = new SimWorld(options.Seed);
        var shape = ClusterShape.Draw(world.Random);
        var history = new ChunkHistory();
        IReadOnlyList<Fault> faults = [];
        string? failure = null;
        try
        {
            Act(world, shape, history, options, ref faults);
        }
        catch (Exception e)
        {
            failure = e is SimFailure ? e.Message : e.ToString();
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
            foreach (var free in world.Memory) free();
        }

        return new SimResult(
            options.Seed, failure, world.Timeline.ToString(), world.Timeline.Hash, world.Timeline.Probes, faults, shape.ToString(),
            history.Writes, history.Reads, world.Events, world.Elapsed, Stopwatch.GetElapsedTime(started));
    }

    private static void Act(SimWorld world, ClusterShape shape, ChunkHistory history, SimOptions options, ref IReadOnlyList<Fault> faults)
    {
        var cluster = new SimCluster(world, shape, options.Variant) { Watched = options.Watched };
        cluster.Start();
        for (var i = 0; i < shape.Clients; i++) cluster.NewClient();
        var registers = new RegisterWorkload(cluster, history, chunks: 4);
        registers.Start(shape.HasFiles ? cluster.Clients.Take(1) : cluster.Clients);
        var files = shape.HasFiles ? StartFiles(world, cluster) : null;
        faults = Fault.Draw(world.Random, cluster, world.Elapsed, _trouble);
        var injector = new FaultInjector(cluster, files);
        injector.Schedule(faults.Where((_, i) => options.Skip?.Contains(i) != true));
        world.RunFor(_trouble);
        injector.HealAll();
        var losesPower = world.Random.NextBool(0.25);
        if (!world.RunUntil(() => cluster.AllServe, TimeSpan.FromSeconds(90)))
            throw new SimFailure($"the chains do not heal: {Describe(cluster)}");
        injector.Disks.Free();
        if (!world.RunUntil(() => injector.Disks.AllWhole, TimeSpan.FromSeconds(60)))
            throw new SimFailure($"lost bytes were not written anew: {Describe(cluster)}");
        if (losesPower) LosePowerEverywhere(world, cluster);
        else Settle(world, cluster, registers, files);
        if (files is not null) CheckFiles(world, cluster, files, losesPower);
        ReplicaCheck.Run(cluster);
        history.Check(losesPower ? null : Final);
        if (losesPower) history.CheckAfterPowerLoss(Final, shape.Durability == Durability.Write);
        if (history.TooManyOrders > 0) world.Timeline.Probe("chunks: too many orders to try");
        StoreCheck.Run(cluster);
        // Faults alone can keep a short run from getting anything done; the tests ask that this be rare.
        if (history.Writes == 0) world.Timeline.Probe("run: no update was acknowledged");

        (ulong, uint) Final(ChunkId chunk) =>
            ReplicaCheck.Final(cluster, cluster.Chains[(int)(chunk.Index % (ulong)cluster.Chains.Length)].Id, chunk);
    }

    private static FileWorkload StartFiles(SimWorld world, SimCluster cluster)
    {
        var files = new FileWorkload(cluster);
        var first = cluster.Clients[1];
        world.Run(first.Process.Start(() => files.SetUpAsync(first)), TimeSpan.FromSeconds(60));
        foreach (var client in cluster.Clients.Skip(1).ToArray()) files.Start(client);
        return files;
    }

    /// <summary>In the middle of the work every machine dies at once. What was flushed must be there; the clients are gone.</summary>
    private static void LosePowerEverywhere(SimWorld world, SimCluster cluster)
    {
        world.RunFor(TimeSpan.FromSeconds(0.5 + world.Random.NextDouble()));
        world.Timeline.Write("faults", "power fails everywhere");
        world.Timeline.Probe("fault: power fails everywhere");
        foreach (var client in cluster.Clients) client.Process.Die();
        foreach (var disk in cluster.Storages.SelectMany(s => s.Disks)) disk.Device.HealDamage(); // what nobody has may be had again
        foreach (var node in cluster.Nodes) node.Kill(losesPower: true);
        if (cluster.Kv.LosePower(world.Random) > 0) world.Timeline.Probe("disk: power loss undid metadata commits");
        foreach (var node in cluster.Nodes) node.Start();
        if (!world.RunUntil(() => cluster.AllServe && cluster.IsQuiet, TimeSpan.FromSeconds(90)))
            throw new SimFailure($"the chains do not heal after power failed everywhere: {Describe(cluster)}");
    }

    private static void Settle(SimWorld world, SimCluster cluster, RegisterWorkload registers, FileWorkload? files)
    {
        registers.Stop();
        files?.Stop();
        if (!world.RunUntil(() => registers.IsDone && files?.IsDone != false, TimeSpan.FromSeconds(120)))
            throw new SimFailure("a client's operation does not end");
        registers.ThrowIfFailed();
        if (!world.RunUntil(() => cluster.AllServe && cluster.IsQuiet, TimeSpan.FromSeconds(30)))
            throw new SimFailure($"an update does not end: {Describe(cluster)}");
    }

    /// <summary>Sessions of the dead end and garbage is removed; then a new client looks at everything.</summary>
    private static void CheckFiles(SimWorld world, SimCluster cluster, FileWorkload files, bool lostPower)
    {
        if (!world.RunUntil(() => MetadataCheck.IsClean(cluster), TimeSpan.FromMinutes(8)))
            throw new SimFailure($"sessions or garbage remain: {MetadataCheck.Describe(cluster)}");
        var client = cluster.NewClient();
        var check = new FinalFileCheck(client, files.Records, lostPower);
        world.Run(client.Process.Start(check.RunAsync), TimeSpan.FromSeconds(60));
        MetadataCheck.Run(cluster, check.Named, files.Records, lostPower);
        client.Process.Die();
    }

    private static string Describe(SimCluster cluster) => cluster.Picture is not { } picture
        ? "no cluster manager is primary"
        : string.Join("; ", picture.Chains.Values.OrderBy(c => c.Id.Value).Select(c =>
            $"chain {c.Id}@{c.Version}: {string.Join(", ", c.Targets.Select(t => $"{t.Id} {t.State}"))}"))
        + "; " + string.Join("; ", cluster.Replicas.Select(r => $"{r.Target} says {r.Standing.Local} at {r.Place.Chain.Version}"));
}
