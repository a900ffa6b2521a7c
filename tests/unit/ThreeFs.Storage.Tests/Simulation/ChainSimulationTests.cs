using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Storage.ChunkEngine;

namespace ThreeFs.Storage.Tests.Simulation;

/// <summary>Whole chains under faults, one seed a run: nothing acknowledged is lost, reads are linearizable, replicas end equal.</summary>
public sealed class ChainSimulationTests
{
    private enum Faults
    {
        None,
        Links,
        Kills,
        CutOffs,
        Everything,
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Without_faults(int seed) => Run((ulong)seed, 3, Faults.None, 3);

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    [InlineData(13)]
    public void With_breaking_connections(int seed) => Run((ulong)seed, 3, Faults.Links, 5);

    [Theory]
    [InlineData(21)]
    [InlineData(22)]
    [InlineData(23)]
    [InlineData(24)]
    public void With_dying_processes(int seed) => Run((ulong)seed, 3, Faults.Kills, 25);

    [Theory]
    [InlineData(31)]
    [InlineData(32)]
    public void With_nodes_cut_off_from_the_manager(int seed) => Run((ulong)seed, 3, Faults.CutOffs, 20);

    [Theory]
    [InlineData(41, 2)]
    [InlineData(42, 3)]
    [InlineData(43, 3)]
    [InlineData(44, 4)]
    public void With_everything(int seed, int nodes) => Run((ulong)seed, nodes, Faults.Everything, 30);

    [Fact]
    public void A_seed_replays_its_run()
    {
        var first = Run(99, 3, Faults.Everything, 8);
        Assert.Equal(first, Run(99, 3, Faults.Everything, 8));
    }

    private static (long Steps, int Writes, int Reads) Run(ulong seed, int nodes, Faults faults, double seconds)
    {
        var cluster = new SimCluster(seed, nodes);
        var history = new History();
        try
        {
            Assert.True(cluster.Loop.RunUntil(() => cluster.AllServe, 20), "a new chain serves");
            var clients = Enumerable.Range(1, 4).Select(i => new SimClient(cluster, history, i, 3)).ToArray();
            var running = clients.Select(c => c.RunAsync()).ToArray();
            Trouble(cluster, faults, seconds);
            Heal(cluster);
            Assert.True(cluster.Loop.RunUntil(() => cluster.AllServe, 60), "the chain heals");
            foreach (var client in clients) client.IsStopping = true;
            cluster.Loop.RunUntil(() => running.All(r => r.IsCompleted), 30);
            foreach (var failed in running.Where(r => r.IsFaulted)) failed.GetAwaiter().GetResult();
            Assert.All(running, r => Assert.True(r.IsCompleted, "every operation ends"));
            Assert.True(cluster.Loop.RunUntil(() => cluster.AllServe && NothingPending(cluster), 20), "every update ends");
            CheckReplicas(cluster);
            history.Check(chunk => Final(cluster, chunk));
            Assert.Equal(0, cluster.Criticals);
            Assert.True(history.Acknowledged > 20, $"only {history.Acknowledged} writes were acknowledged");
            return (cluster.Loop.Steps, history.Acknowledged, history.Reads);
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{e.Message}\n{cluster.Story}", e);
        }
    }

    private static void Trouble(SimCluster cluster, Faults faults, double seconds)
    {
        var random = cluster.Loop.Random.Fork();
        for (var end = cluster.Loop.Seconds + seconds; cluster.Loop.Seconds < end;)
        {
            cluster.Loop.RunFor(0.02 + random.NextDouble() * (faults is Faults.Links ? 0.1 : 2.5));
            if (faults is Faults.Links or Faults.Everything && random.NextBool(0.7))
            {
                var links = cluster.Links.Where(l => !l.IsBroken).ToArray();
                if (links.Length > 0) links[random.Next(links.Length)].Break();
            }

            if (faults is Faults.Kills or Faults.Everything) KillOrStart(cluster, random);
            if (faults is Faults.CutOffs or Faults.Everything && random.NextBool(0.4))
            {
                var node = cluster.Nodes[random.Next(cluster.Nodes.Count)];
                node.IsCutOff = !node.IsCutOff;
                cluster.Write($"node {node.Id} is {(node.IsCutOff ? "cut off from" : "back at")} the manager");
            }
        }
    }

    private static void KillOrStart(SimCluster cluster, SeededRandom random)
    {
        var node = cluster.Nodes[random.Next(cluster.Nodes.Count)];
        if (node.Life is null) cluster.Restart(node);
        else if (random.NextBool(0.5)) cluster.Kill(node);
    }

    private static void Heal(SimCluster cluster)
    {
        foreach (var node in cluster.Nodes)
        {
            node.IsCutOff = false;
            if (node.Life is null) cluster.Restart(node);
        }
    }

    private static ChunkState[] States(SimNode node)
    {
        var states = new ChunkState[64];
        return states[..node.Replica!.ListChunks(null, states)];
    }

    private static bool NothingPending(SimCluster cluster) =>
        cluster.Nodes.All(n => n.Replica!.InFlight == 0 && States(n).All(s => !s.HasPending));

    private static void CheckReplicas(SimCluster cluster)
    {
        var first = States(cluster.Nodes[0]).Select(s => s.ToMeta() with { ChunkVersionOfChain = default }).ToArray();
        foreach (var node in cluster.Nodes.Skip(1))
            Assert.Equal(first, States(node).Select(s => s.ToMeta() with { ChunkVersionOfChain = default }));
        foreach (var meta in first)
        {
            var bytes = cluster.Nodes.Select(n => Content(cluster, n, meta.Chunk, meta.Length)).ToArray();
            Assert.All(bytes, b => Assert.Equal(meta.Crc, Crc32C.Compute(b)));
        }
    }

    private static byte[] Content(SimCluster cluster, SimNode node, ChunkId chunk, uint length)
    {
        using var buffer = cluster.Buffers.TryRent((int)length)!;
        var reading = node.Replica!.Store.ReadAsync(chunk, 0, length, buffer.Memory).AsTask();
        Assert.True(cluster.Loop.RunUntil(() => reading.IsCompleted, 5), "the read ends");
        Assert.Equal(StatusCode.Ok, reading.Result.Code);
        return buffer.Memory.Span[..(int)length].ToArray();
    }

    private static (ulong Version, uint Crc) Final(SimCluster cluster, ChunkId chunk) =>
        cluster.Nodes[0].Replica!.Store.TryGet(chunk, out var state) ? (state.Committed.Version.Value, state.Committed.Crc) : (0, 0);
}
