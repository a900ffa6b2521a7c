using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.Chains;
using ThreeFs.Mgmtd.State;

namespace ThreeFs.Mgmtd.Ops;

/// <summary>
/// Takes a target out of its chain that answers nobody for it: Offline, Waiting or Syncing. The authority is never one
/// of these, so the chain keeps everything that was acknowledged and cannot become empty. A Serving one would go on
/// answering readers with old routing until it heard of it: it has to step down first.
/// </summary>
internal static class RemoveTarget
{
    public static Result<Change<ChainInfo>> Apply(ClusterRecord cluster, ChainId id, TargetId target)
    {
        var found = cluster.FindChain(id);
        if (!found.TryGet(out var chain)) return found.Status;
        var member = chain.Targets.FirstOrDefault(t => t.Id == target);
        if (member is null) return new Status(StatusCode.TargetNotFound, $"target {target} is not in chain {id}");
        if (member.State == TargetState.Serving)
            return new Status(
                StatusCode.Busy, $"target {target} of chain {id} serves; it has to step down before it can be removed");
        if (member.State == TargetState.LastServing)
            return new Status(
                StatusCode.InvalidArgument,
                $"target {target} is the one chain {id} waits for: it alone has every update (LastServing)");
        var next = chain with
        {
            Version = chain.Version.Next,
            Targets = chain.Targets.Remove(member),
            PreferredOrder = chain.PreferredOrder.Remove(target),
        };
        ChainRules.Check(next);
        return new Change<ChainInfo>(cluster.With(next) with { Targets = cluster.Targets.Remove(target) }, next);
    }
}
