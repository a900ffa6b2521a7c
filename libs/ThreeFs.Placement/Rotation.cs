using ThreeFs.Base;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Placement;

/// <summary>
/// The way of a chain to its preferred order: one target after the other steps down and comes back as the tail.
/// </summary>
public static class Rotation
{
    /// <summary>
    /// The target that has to step down next: the first that is where another serving one should be. Null when the
    /// chain has its preferred
    /// order, has none, or is not whole. Repeated after each return the order is reached.
    /// </summary>
    public static TargetId? Next(ChainInfo chain)
    {
        if (chain.Targets.Any(t => t.State != TargetState.Serving)) return null;
        for (var i = 0; i < chain.PreferredOrder.Length; i++)
        {
            if (chain.Targets[i].Id != chain.PreferredOrder[i]) return chain.Targets[i].Id;
        }

        return null;
    }
}
