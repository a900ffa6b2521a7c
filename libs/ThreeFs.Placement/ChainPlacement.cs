using ThreeFs.Base;

namespace ThreeFs.Placement;

/// <summary>
/// Lays chains over nodes so that any two nodes have equally many chains in common: when one fails, all others take
/// over equal shares of
/// its reads, of its writes, and of bringing its data back.
/// </summary>
/// <remarks>
/// With v nodes of r targets and chains of k, two nodes should meet in λ = r(k−1)/(v−1) chains. Where that is a whole
/// number and a
/// balanced incomplete block design exists, it is mostly found (<see cref="PlaneDesign"/>, <see cref="CyclicDesign"/>);
/// otherwise no two counts should differ by
/// more than one, and what comes next to that is taken. <see cref="PlacementReport"/> tells how near it is. No solver,
/// no clock: the
/// arguments and the seed decide.
/// <para>
/// What always holds: each target in exactly one chain, no two targets of a chain on one node, and every node at every
/// position
/// of a chain as often as any other with as many targets (they differ by one at most), the head above all
/// (<see cref="ChainOrder"/>).
/// </para>
/// </remarks>
public static class ChainPlacement
{
    /// <summary>Bounds the work: exchanges tried for each chain, and in all.</summary>
    private const int StepsPerChain = 8_000;
    private const int MostSteps = 400_000;

    /// <summary>Chains, each with the indexes of its nodes from head to tail.</summary>
    /// <param name="targets">How many targets each node gives; the sum is a multiple of <paramref name="replicas"/>,
    /// and no node has more
    /// than there will be chains.</param>
    /// <param name="existing">Chains over the same nodes that stay: the new ones even out what these do not.</param>
    public static IReadOnlyList<IReadOnlyList<int>> Plan(
        IReadOnlyList<int> targets, int replicas, ulong seed = 1, IEnumerable<IReadOnlyList<int>>? existing = null)
    {
        var wrong = Wrong(targets, replicas);
        Invariant.Check(wrong is null, $"chains can be laid: {wrong}");
        var random = new SeededRandom(seed);
        var old = new PairCounts(targets.Count);
        foreach (var chain in existing ?? []) old.AddChain([.. chain]);
        var chains = Best(targets.ToArray(), replicas, old, random);
        ChainOrder.Balance(chains, targets.Count, random);
        return chains;
    }

    /// <summary>Why such chains cannot be laid, or null.</summary>
    public static string? Wrong(IReadOnlyList<int> targets, int replicas)
    {
        if (replicas < 1) return $"a chain has at least one replica, not {replicas}";
        if (targets.Count < replicas)
            return $"{targets.Count} nodes cannot hold {replicas} replicas: two on one node would fail together";
        if (targets.Any(t => t < 0)) return "a node has less than no target";
        var sum = targets.Sum();
        if (sum == 0) return "there is no target";
        if (sum % replicas != 0) return $"{sum} targets are not used up by chains of {replicas}";
        var most = targets.Max();
        return most > sum / replicas
            ? $"a node with {most} targets is more than once in one of the {sum / replicas} chains: "
                + "two replicas on one node would fail together"
            : null;
    }

    private static int[][] Best(int[] targets, int replicas, PairCounts old, SeededRandom random)
    {
        var isEven = targets.All(t => t == targets[0]);
        if (isEven && old.Cost == 0 && PlaneDesign.Find(targets.Length, targets[0], replicas) is { } plane)
            return plane;
        var met = old.Copy();
        var filled = BlockSearch.Fill(targets, replicas, met, random);
        var steps = Math.Min(MostSteps, filled.Length * StepsPerChain);
        BlockSearch.Improve(filled, met, random, steps);
        var orbits = targets[0] / replicas;
        if (met.Cost <= met.LowerBound || orbits == 0 || !isEven) return filled;

        // Whole turns of the circle first, the rest fitted to them; then all of it as one.
        var turned = old.Copy();
        var cyclic = CyclicDesign.Find(targets.Length, replicas, orbits, random);
        foreach (var chain in cyclic) turned.AddChain(chain);
        var rest = BlockSearch.Fill([.. targets.Select(t => t - orbits * replicas)], replicas, turned, random);
        BlockSearch.Improve(rest, turned, random, steps);
        int[][] all = [.. cyclic, .. rest];
        BlockSearch.Improve(all, turned, random, steps);
        return turned.Cost < met.Cost ? all : filled;
    }
}
