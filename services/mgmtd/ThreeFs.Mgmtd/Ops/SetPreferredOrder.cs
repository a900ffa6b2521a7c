using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.State;

namespace ThreeFs.Mgmtd.Ops;

/// <summary>
/// Stores the chain that is wanted, see <see cref="ChainInfo"/>; an empty one is no wish. Moves nothing and keeps the
/// chain's version.
/// </summary>
internal static class SetPreferredOrder
{
    public static Result<Change<ChainInfo>> Apply(ClusterRecord cluster, ChainId id, ImmutableArray<TargetId> order)
    {
        var found = cluster.FindChain(id);
        if (!found.TryGet(out var chain)) return found.Status;
        if (Wrong(id, [.. chain.Targets.Select(t => t.Id)], order) is { } wrong)
            return new Status(StatusCode.InvalidArgument, wrong);
        if (chain.PreferredOrder.SequenceEqual(order)) return new Change<ChainInfo>(cluster, chain);
        var next = chain with { PreferredOrder = order };
        return new Change<ChainInfo>(cluster.WithMoved([next]), next);
    }

    public static string? Wrong(ChainId id, ImmutableArray<TargetId> targets, ImmutableArray<TargetId> order)
    {
        if (order.IsDefault) return $"chain {id}: the preferred order is missing";
        if (order.Distinct().Count() != order.Length) return $"chain {id}: the preferred order has a target twice";
        foreach (var target in order)
        {
            if (!targets.Contains(target))
                return $"chain {id}: target {target} of the preferred order is not in the chain";
        }

        return null;
    }
}
