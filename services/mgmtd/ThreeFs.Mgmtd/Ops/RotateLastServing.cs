using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.Chains;
using ThreeFs.Mgmtd.State;

namespace ThreeFs.Mgmtd.Ops;

/// <summary>
/// Gives up a chain's last serving target for the next one; see <see cref="ChainRotation.GiveUpLast"/>.
/// </summary>
internal static class RotateLastServing
{
    public static Result<Change<ChainInfo>> Apply(ClusterRecord cluster, ChainId id)
    {
        var found = cluster.FindChain(id);
        if (!found.TryGet(out var chain)) return found.Status;
        var next = ChainRotation.GiveUpLast(chain);
        return new Change<ChainInfo>(ReferenceEquals(next, chain) ? cluster : cluster.WithMoved([next]), next);
    }
}
