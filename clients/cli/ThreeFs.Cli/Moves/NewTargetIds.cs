using ThreeFs.Base;
using ThreeFs.Cli.Dev;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Cli.Moves;

/// <summary>
/// Ids for new targets: the target of the chain that the node holds without being in the chain, which is
/// what an interrupted run left or what was there once; else the first number of the node that nobody uses
/// (node id × 100 + number).
/// </summary>
internal sealed class NewTargetIds
{
    private readonly HashSet<TargetId> _used;
    private readonly Dictionary<(ChainId, NodeId), TargetId> _unused = [];

    /// <param name="held">What each server says that it holds.</param>
    public NewTargetIds(RoutingInfo routing, IReadOnlyDictionary<NodeId, TargetReport[]> held)
    {
        _used = [.. routing.Targets.Keys, .. held.Values.SelectMany(t => t.Select(r => r.Target))];
        foreach (var (node, targets) in held)
        {
            foreach (var target in targets.Where(t => !routing.Targets.ContainsKey(t.Target)))
                _unused[(target.Chain, node)] = target.Target;
        }
    }

    /// <summary>A node that holds an unused target of the chain.</summary>
    public NodeId? Holder(ChainId chain) =>
        _unused.Keys.Where(k => k.Item1 == chain).Select(k => (NodeId?)k.Item2).Min();

    public TargetId For(ChainId chain, NodeId node)
    {
        if (_unused.TryGetValue((chain, node), out var there)) return there;
        for (var number = 1; ; number++)
        {
            // Behind 99 the numbers of the next node begin; far behind all nodes there is room again.
            var id = number <= 99
                ? LocalRoles.TargetOf(node, number)
                : new TargetId((ulong)node.Value * 1_000_000_000_000 + (ulong)number);
            if (_used.Add(id)) return id;
        }
    }
}
