using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.State;

namespace ThreeFs.Mgmtd.Ops;

/// <summary>Forgets a node that is disabled or failed and holds no target of a chain.</summary>
internal static class UnregisterNode
{
    public static Result<Change<bool>> Apply(Term term, NodeId id)
    {
        var cluster = term.Cluster;
        var found = cluster.FindNode(id);
        if (!found.TryGet(out var node)) return found.Status;
        var state = term.StateOf(node);
        if (state is not (NodeState.Disabled or NodeState.Failed))
            return new Status(StatusCode.InvalidArgument, $"node {id} is {state}; disable it first");
        foreach (var target in cluster.ChainOf)
        {
            if (NodeOf(term, target.Key) == id)
                return new Status(
                    StatusCode.InvalidArgument,
                    $"node {id} holds target {target.Key} of chain {target.Value}; remove that first");
        }

        return new Change<bool>(cluster with { Nodes = cluster.Nodes.Remove(id) }, true);
    }

    private static NodeId NodeOf(Term term, TargetId target) =>
        term.Targets.TryGetValue(target, out var live) ? live.Node
        : term.Cluster.Targets.TryGetValue(target, out var record) ? record.Node : default;
}
