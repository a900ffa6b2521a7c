using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Placement;

/// <summary>Gives the places of <see cref="ChainPlacement"/> to targets.</summary>
public static class ChainPlan
{
    /// <param name="nodes">Storage nodes and the targets each gives; see <see cref="ChainPlacement.Wrong"/>.</param>
    /// <param name="existing">Chains that are there: the new ones complement them. Targets on other nodes count for
    /// nothing.</param>
    /// <param name="firstId">Id of the first chain.</param>
    /// <returns>Chains in order of their ids; the order of targets is the preferred one too.</returns>
    public static ImmutableArray<ChainSetting> Create(
        IReadOnlyList<(NodeId Node, IReadOnlyList<TargetId> Targets)> nodes, int replicas,
        RoutingInfo? existing = null, uint firstId = 1)
    {
        var indexOf = nodes.Select((n, i) => (n.Node, i)).ToDictionary(p => p.Node, p => p.i);
        var old = existing is null ? [] : Chains(existing, node => indexOf.TryGetValue(node, out var i) ? i : null);
        var places = ChainPlacement.Plan([.. nodes.Select(n => n.Targets.Count)], replicas, existing: old);
        var free = nodes.Select(n => new Queue<TargetId>(n.Targets)).ToArray();
        return
        [
            .. places.Select((chain, c) =>
            {
                var targets = chain.Select(n => free[n].Dequeue()).ToImmutableArray();
                return new ChainSetting(new ChainId(firstId + (uint)c), targets, targets);
            }),
        ];
    }

    /// <summary>
    /// The nodes of each chain in routing, from head to tail, as indexes; those without one are left out.
    /// </summary>
    public static List<IReadOnlyList<int>> Chains(RoutingInfo routing, Func<NodeId, int?> indexOf)
    {
        var chains = new List<IReadOnlyList<int>>();
        foreach (var chain in routing.Chains.Values.OrderBy(c => c.Id))
        {
            int[] nodes =
            [
                .. chain.Targets
                    .Select(t => routing.Targets.TryGetValue(t.Id, out var info) ? indexOf(info.Node) : null)
                    .OfType<int>().Distinct(),
            ];
            if (nodes.Length > 0) chains.Add(nodes);
        }

        return chains;
    }
}
