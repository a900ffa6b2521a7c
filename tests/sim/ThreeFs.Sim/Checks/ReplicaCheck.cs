using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Sim.Nodes;
using ThreeFs.Sim.World;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.Targets;

namespace ThreeFs.Sim.Checks;

/// <summary>When all is quiet: the replicas of a chain hold the same chunks with the same versions, checksums and bytes.</summary>
internal static class ReplicaCheck
{
    public static void Run(SimCluster cluster)
    {
        foreach (var chain in cluster.Replicas.GroupBy(r => r.Chain))
        {
            var first = StatesOf(chain.First());
            foreach (var other in chain.Skip(1))
            {
                var states = StatesOf(other);
                if (Describe(first) != Describe(states))
                    throw new SimFailure($"replicas of chain {chain.Key} differ:\n{chain.First().Target}: {Describe(first)}\n{other.Target}: {Describe(states)}");
            }

            foreach (var replica in chain)
                foreach (var state in first) CheckContent(cluster.World, replica, state);
        }
    }

    public static (ulong Version, uint Crc) Final(SimCluster cluster, ChainId chain, ChunkId chunk)
    {
        var replica = cluster.Replicas.First(r => r.Chain == chain);
        return replica.Store.TryGet(chunk, out var state) ? (state.Committed.Version.Value, state.Committed.Crc) : (0, 0);
    }

    public static ChunkState[] StatesOf(Replica replica)
    {
        var states = new ChunkState[4096];
        return states[..replica.ListChunks(null, states)];
    }

    public static string Describe(ChunkState[] states) => string.Join(
        ", ", states.Select(s => $"{s.Chunk} v{s.Committed.Version.Value} {s.Committed.Length} B {s.Committed.Crc:x8}{(s.HasPending ? " pending" : "")}"));

    /// <summary>The newest contents: a commit that was not flushed may be found pending after a restart.</summary>
    public static string DescribeNewest(ChunkState[] states) => string.Join(
        ", ", states.Select(s => (s.Chunk, s.HasPending ? s.Pending : s.Committed)).Where(s => !s.Item2.IsRemove)
            .Select(s => $"{s.Chunk} v{s.Item2.Version.Value} {s.Item2.Length} B {s.Item2.Crc:x8}"));

    private static void CheckContent(SimWorld world, Replica replica, ChunkState state)
    {
        using var memory = new BufferPool(1 << 22);
        using var lease = memory.TryRent((int)state.Committed.Length)!;
        var process = (SimProcess)replica.Services.Executor;
        var length = state.Committed.Length;
        var reading = process.Start(async () => await replica.Store.ReadAsync(state.Chunk, 0, length, lease.Memory.Slice(0, (int)length)));
        var result = world.Run(reading, TimeSpan.FromSeconds(10));
        if (result.Code != StatusCode.Ok) throw new SimFailure($"chunk {state.Chunk} of target {replica.Target} cannot be read: {result.Code}");
        if (Crc32C.Compute(lease.Memory.Span[..(int)length]) != state.Committed.Crc)
            throw new SimFailure($"chunk {state.Chunk} of target {replica.Target} has other bytes than its checksum says");
    }
}
