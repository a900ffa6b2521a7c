using ThreeFs.Sim.Faults;
using ThreeFs.Sim.Nodes;
using ThreeFs.Sim.World;
using ThreeFs.Storage.ChunkEngine;

namespace ThreeFs.Sim.Checks;

/// <summary>
/// At the very end: every store is opened once more. Its loader compares the allocator's bitmaps with the blocks that chunks have and
/// refuses any disagreement; chunks and the space they take are the same as before.
/// </summary>
internal static class StoreCheck
{
    public static void Run(SimCluster cluster)
    {
        foreach (var node in cluster.Storages)
        {
            var before = node.Replicas!.All.ToDictionary(r => r.Target, r => ReplicaCheck.DescribeNewest(ReplicaCheck.StatesOf(r)));
            node.Kill(losesPower: false);
            foreach (var disk in node.Disks)
            {
                var process = new SimProcess(cluster.World, node.Host, $"{node.Name}-check");
                var store = cluster.World.Run(process.Start(() => disk.OpenAsync(null, Variant.None)), TimeSpan.FromSeconds(60));
                var states = new ChunkState[store.ChunkCount + 1];
                var after = ReplicaCheck.DescribeNewest(states[..store.List(default, new(new(ulong.MaxValue), ulong.MaxValue), states)]);
                process.Die();
                if (after != before[disk.Identity.Target])
                    throw new SimFailure($"target {disk.Identity.Target} opens with {after}, before it had {before[disk.Identity.Target]}");
            }
        }
    }
}
