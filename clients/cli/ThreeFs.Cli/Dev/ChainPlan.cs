using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;

namespace ThreeFs.Cli.Dev;

/// <summary>
/// Lays chains over the targets of storage nodes so that every target is used once, no chain has two replicas on one node, and
/// nodes hold equally many heads (differing by one at most): losing a node then costs every other node the same.
/// </summary>
internal static class ChainPlan
{
    /// <param name="nodes">Storage nodes, each with the same number of targets; node count ≥ <paramref name="replicas"/>.</param>
    /// <returns>targets / replicas chains, ids from 1.</returns>
    public static ImmutableArray<ChainSetting> Create(IReadOnlyList<(NodeId Node, IReadOnlyList<TargetId> Targets)> nodes, int replicas)
    {
        Invariant.Check(nodes.Count >= replicas, "a chain has at most one replica on a node");
        var count = nodes.Sum(n => n.Targets.Count) / replicas;
        var members = ChooseNodes(nodes.Select(n => n.Targets.Count).ToArray(), count, replicas);
        var heads = BalanceHeads(members, nodes.Count);
        var free = nodes.Select(n => new Queue<TargetId>(n.Targets)).ToArray();
        var chains = ImmutableArray.CreateBuilder<ChainSetting>(count);
        for (var c = 0; c < count; c++)
        {
            var start = Array.IndexOf(members[c], heads[c]);
            var targets = Enumerable.Range(0, replicas).Select(i => free[members[c][(start + i) % replicas]].Dequeue()).ToImmutableArray();
            chains.Add(new ChainSetting(new ChainId((uint)c + 1), targets, targets));
        }

        return chains.ToImmutable();
    }

    /// <summary>The nodes of each chain. The ones with most free targets first keeps the rest placeable; the rotation varies which nodes meet.</summary>
    private static int[][] ChooseNodes(int[] free, int count, int replicas)
    {
        var chains = new int[count][];
        for (var c = 0; c < count; c++)
        {
            var first = c * replicas;
            chains[c] = Enumerable.Range(0, free.Length)
                .OrderByDescending(n => free[n]).ThenBy(n => (n - first % free.Length + free.Length) % free.Length)
                .Take(replicas).ToArray();
            foreach (var node in chains[c]) free[node]--;
        }

        return chains;
    }

    /// <summary>
    /// Which node leads each chain. Starts with the least burdened member, then moves heads along paths from a node with most to
    /// one with at least two less. Every node is in equally many chains, so the even fractional split exists and, the
    /// constraints being those of a flow, an integral one within one of it too: the paths find it.
    /// </summary>
    private static int[] BalanceHeads(int[][] members, int nodeCount)
    {
        var load = new int[nodeCount];
        var heads = new int[members.Length];
        for (var c = 0; c < members.Length; c++)
        {
            heads[c] = members[c].MinBy(n => load[n]);
            load[heads[c]]++;
        }

        while (Enumerable.Range(0, nodeCount).Where(n => load[n] == load.Max()).Any(n => MoveOne(members, heads, load, n)))
        {
        }

        return heads;
    }

    /// <summary>Breadth-first from <paramref name="from"/> over "leads a chain that the other is in" to a node with two heads less.</summary>
    private static bool MoveOne(int[][] members, int[] heads, int[] load, int from)
    {
        var via = new Dictionary<int, int> { [from] = -1 };
        var queue = new Queue<int>([from]);
        while (queue.TryDequeue(out var node))
        {
            if (load[node] <= load[from] - 2)
            {
                load[from]--;
                load[node]++;
                for (var chain = via[node]; chain >= 0; chain = via[node]) (heads[chain], node) = (node, heads[chain]);
                return true;
            }

            for (var c = 0; c < heads.Length; c++)
            {
                if (heads[c] != node) continue;
                foreach (var next in members[c])
                {
                    if (via.TryAdd(next, c)) queue.Enqueue(next);
                }
            }
        }

        return false;
    }
}
