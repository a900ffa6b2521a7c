using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.Chains;
using ThreeFs.Mgmtd.State;

namespace ThreeFs.Mgmtd.Ops;

/// <summary>Appends a target to a chain as Offline; it syncs once its server reports it.</summary>
internal static class AddTarget
{
    public static Result<Change<ChainInfo>> Apply(ClusterRecord cluster, ChainId id, TargetId target)
    {
        if (target.Value == 0) return new Status(StatusCode.InvalidArgument, "0 is no target id");
        var found = cluster.FindChain(id);
        if (!found.TryGet(out var chain)) return found.Status;
        if (cluster.ChainOf.TryGetValue(target, out var other)) return new Status(StatusCode.TargetExists, $"target {target} is in chain {other} already");
        if (chain.Targets.Length >= MgmtdLimits.TargetsPerChain)
            return new Status(StatusCode.InvalidArgument, $"chain {id} has {MgmtdLimits.TargetsPerChain} targets, no more fit");
        var orderCoversAll = chain.PreferredOrder.Length == chain.Targets.Length;
        var next = chain with
        {
            Version = chain.Version.Next,
            Targets = chain.Targets.Add(new ChainTarget(target, TargetState.Offline)),
            PreferredOrder = orderCoversAll ? chain.PreferredOrder.Add(target) : chain.PreferredOrder,
        };
        ChainRules.Check(next);
        return new Change<ChainInfo>(cluster.With(next), next);
    }
}
