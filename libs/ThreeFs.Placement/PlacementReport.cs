using System.Collections.Immutable;

namespace ThreeFs.Placement;

/// <summary>How evenly chains use nodes, and what happens to the load of each node when it fails.</summary>
/// <param name="Nodes">One row a node, in the order of its index.</param>
/// <param name="IdealShare">1/(v−1): what each survivor would carry of a dead node's load.</param>
public sealed record PlacementReport(ImmutableArray<NodeLoad> Nodes, double IdealShare)
{
    /// <summary>The largest share that any survivor of any failure has to carry.</summary>
    public double WorstShare => Nodes.Max(n => n.MostShare);

    /// <summary>Every survivor of every failure carries the same.</summary>
    public bool IsExact => Nodes.All(n => n.LeastCommon == n.MostCommon);

    /// <summary>
    /// No two survivors of a failure differ by more than one chain: nothing better exists unless an exact design does.
    /// </summary>
    public bool IsNearest => Nodes.All(n => n.MostCommon - n.LeastCommon <= 1);

    /// <param name="nodes">How many nodes there are.</param>
    /// <param name="chains">Indexes of each chain's nodes, from head to tail.</param>
    public static PlacementReport Of(int nodes, IEnumerable<IReadOnlyList<int>> chains)
    {
        var (targets, heads) = (new int[nodes], new int[nodes]);
        var (common, follows) = (new int[nodes, nodes], new int[nodes, nodes]);
        foreach (var chain in chains)
        {
            heads[chain[0]]++;
            if (chain.Count > 1) follows[chain[0], chain[1]]++;
            foreach (var a in chain)
            {
                targets[a]++;
                foreach (var b in chain) common[a, b]++;
            }
        }

        var loads = Enumerable.Range(0, nodes).Select(n =>
        {
            var others = Enumerable.Range(0, nodes).Where(o => o != n).ToArray();
            var all = others.Sum(o => common[n, o]);
            if (others.Length == 0) return new NodeLoad(targets[n], heads[n], 0, 0, 0, 0, 0);
            var (least, most) = (others.Min(o => common[n, o]), others.Max(o => common[n, o]));
            return new NodeLoad(
                targets[n], heads[n], least, most,
                all == 0 ? 0 : (double)least / all, all == 0 ? 0 : (double)most / all,
                others.Max(o => follows[n, o]));
        });
        return new PlacementReport([.. loads], nodes > 1 ? 1.0 / (nodes - 1) : 0);
    }
}

/// <param name="Targets">Of chains, on this node.</param>
/// <param name="Heads">Chains that it leads.</param>
/// <param name="LeastCommon">Fewest and <paramref name="MostCommon"/> most chains that another node has in common with
/// it.</param>
/// <param name="LeastShare">Smallest and <paramref name="MostShare"/> largest part of its load that a survivor carries
/// when it fails, 0…1.</param>
/// <param name="MostTakenOver">Most chains whose head one survivor becomes when it fails.</param>
public readonly record struct NodeLoad(
    int Targets, int Heads, int LeastCommon, int MostCommon, double LeastShare, double MostShare, int MostTakenOver);
