using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.Chains;
using ThreeFs.Mgmtd.State;

namespace ThreeFs.Mgmtd.Ops;

/// <summary>
/// Appends a target to a chain as Offline; it syncs once its server reports it. It may take the place of another one:
/// in one step the preferred order names the new one where it named the other, so what was begun is known to whoever
/// goes on with it, and the chain never has fewer replicas than before.
/// </summary>
internal static class AddTarget
{
    /// <param name="replaces">0: nobody.</param>
    public static Result<Change<ChainInfo>> Apply(
        ClusterRecord cluster, ChainId id, TargetId target, TargetId replaces = default)
    {
        if (target.Value == 0) return new Status(StatusCode.InvalidArgument, "0 is no target id");
        var found = cluster.FindChain(id);
        if (!found.TryGet(out var chain)) return found.Status;
        var replaced = chain.Targets.Any(t => t.Id == replaces);
        if (cluster.ChainOf.TryGetValue(target, out var other))
        {
            var again = other == id && replaces.Value != 0 && target != replaces && !chain.IsLeaving(target)
                && (!replaced || chain.IsLeaving(replaces));
            return again
                ? new Change<ChainInfo>(cluster, chain)
                : new Status(StatusCode.TargetExists, $"target {target} is in chain {other} already");
        }

        if (replaces.Value != 0 && !replaced)
            return new Status(StatusCode.TargetNotFound, $"target {replaces} is not in chain {id}");
        if (replaces.Value != 0 && chain.IsLeaving(replaces))
            return new Status(
                StatusCode.TargetExists, $"target {replaces} is leaving chain {id} already: another one has its place");
        if (chain.Targets.Length >= MgmtdLimits.TargetsPerChain)
            return new Status(
                StatusCode.InvalidArgument, $"chain {id} has {MgmtdLimits.TargetsPerChain} targets, no more fit");
        var order = chain.PreferredOrder;
        if (replaced)
        {
            order = order.IsEmpty
                ? [.. chain.Targets.Select(t => t.Id == replaces ? target : t.Id)]
                : order.Replace(replaces, target);
        }
        else if (!order.IsEmpty) order = order.Add(target);
        var next = chain with
        {
            Version = chain.Version.Next,
            Targets = chain.Targets.Add(new ChainTarget(target, TargetState.Offline)),
            PreferredOrder = order,
        };
        ChainRules.Check(next);
        return new Change<ChainInfo>(cluster.With(next), next);
    }
}
