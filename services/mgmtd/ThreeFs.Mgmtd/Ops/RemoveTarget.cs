using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.Chains;
using ThreeFs.Mgmtd.State;

namespace ThreeFs.Mgmtd.Ops;

/// <summary>Takes an offline target out of its chain. The authority of a chain is never offline, so a chain cannot become empty.</summary>
internal static class RemoveTarget
{
    public static Result<Change<ChainInfo>> Apply(ClusterRecord cluster, ChainId id, TargetId target)
    {
        var found = cluster.FindChain(id);
        if (!found.TryGet(out var chain)) return found.Status;
        var member = chain.Targets.FirstOrDefault(t => t.Id == target);
        if (member is null) return new Status(StatusCode.TargetNotFound, $"target {target} is not in chain {id}");
        if (member.State != TargetState.Offline)
            return new Status(StatusCode.InvalidArgument, $"target {target} of chain {id} is {member.State}; only an offline one can be removed");
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
