using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.Chains;
using ThreeFs.Mgmtd.State;

namespace ThreeFs.Mgmtd.Ops;

/// <summary>One step towards a chain's preferred order; see <see cref="ChainRotation.TowardsPreferred"/>.</summary>
internal static class RotateAsPreferred
{
    public static Result<Change<ChainInfo>> Apply(ClusterRecord cluster, ChainId id)
    {
        var found = cluster.FindChain(id);
        if (!found.TryGet(out var chain)) return found.Status;
        var next = ChainRotation.TowardsPreferred(chain);
        return new Change<ChainInfo>(ReferenceEquals(next, chain) ? cluster : cluster.WithMoved([next]), next);
    }
}
