using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Placement.Tests;

/// <summary>
/// Routing of a cluster whose nodes are 1 … n, each with equally many targets (node × 100 + number) on one disk.
/// </summary>
internal static class Layouts
{
    public static RoutingInfo Routing(int nodes, int targets, int replicas, long used = 10)
    {
        var all = Enumerable.Range(1, nodes)
            .Select(n => (new NodeId((uint)n), (IReadOnlyList<TargetId>)Enumerable.Range(1, targets).Select(t => new TargetId((ulong)(n * 100 + t))).ToArray()))
            .ToArray();
        var chains = ChainPlan.Create(all, replicas).Select(c => new ChainInfo(
            c.Id, new ChainVersion(1), [.. c.Targets.Select(t => new ChainTarget(t, TargetState.Serving))], c.PreferredOrder)).ToArray();
        return Of(nodes, chains, used);
    }

    public static RoutingInfo Of(int nodes, IEnumerable<ChainInfo> chains, long used = 10)
    {
        var list = chains.ToArray();
        return new RoutingInfo(
            new RoutingVersion(1), Enumerable.Range(1, nodes).Select(n => Node((uint)n)), list,
            list.SelectMany(c => c.Targets.Select(t => new TargetInfo(
                t.Id, c.Id, t.State, LocalTargetState.UpToDate, new NodeId((uint)(t.Id.Value / 100)), 0, used, false, 100))),
            []);
    }

    /// <summary>The cluster after the moves are done; a new target is node × 100 + 50 + number of the move.</summary>
    public static RoutingInfo After(RoutingInfo routing, IEnumerable<TargetMove> moves, int nodes)
    {
        var chains = routing.Chains.ToDictionary();
        var number = 50;
        foreach (var move in moves)
        {
            var created = new TargetId((ulong)move.Node.Value * 100 + (ulong)++number);
            var chain = chains[move.Chain];
            chains[move.Chain] = chain with
            {
                Targets = [.. chain.Targets.Select(t => t.Id == move.Old ? new ChainTarget(created, TargetState.Serving) : t)],
                PreferredOrder = chain.PreferredOrder.Replace(move.Old, created),
            };
        }

        return Of(nodes, chains.Values.OrderBy(c => c.Id));
    }

    public static StorageDisk[] Disks(IEnumerable<int> nodes, long free = 1000) => [.. nodes.Select(n => new StorageDisk(new NodeId((uint)n), 0, free))];

    private static NodeInfo Node(uint id) => new(
        new NodeId(id), NodeKind.Storage, "here", 1, [], NodeState.Connected, default, ImmutableSortedDictionary<string, string>.Empty);
}
