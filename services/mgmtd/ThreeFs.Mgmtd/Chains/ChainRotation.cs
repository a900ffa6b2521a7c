using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Mgmtd.Chains;

/// <summary>Changes of a chain's order that an operator asks for; pure. Each answers the chain itself when there is nothing to do.</summary>
public static class ChainRotation
{
    /// <summary>
    /// Gives up the last serving target: the next one becomes the authority, everybody else has to sync from it. Updates that
    /// only the given-up target has are lost.
    /// </summary>
    public static ChainInfo GiveUpLast(ChainInfo chain)
    {
        if (chain.Targets.Length < 2 || chain.Targets[0].State != TargetState.LastServing) return chain;
        var heir = chain.Targets[1] with { State = TargetState.LastServing };
        var others = chain.Targets.Skip(2).Append(chain.Targets[0]).Select(t => t with { State = TargetState.Offline });
        return Changed(chain, [heir, .. others]);
    }

    /// <summary>
    /// One step towards the preferred order: the first target that sits where another one should is sent to the tail as Offline
    /// and comes back through syncing, provided that the other one serves. Repeated after each sync, the order is reached.
    /// <para>
    /// The target that is sent away lives and holds a lease: until routing with the new version reaches its server, it may still answer
    /// reads of clients that have the old version too, and does not know of updates acknowledged meanwhile. Rotate when nobody minds.
    /// </para>
    /// </summary>
    public static ChainInfo TowardsPreferred(ChainInfo chain)
    {
        for (var i = 0; i < Math.Min(chain.PreferredOrder.Length, chain.Targets.Length); i++)
        {
            var (wanted, current) = (chain.PreferredOrder[i], chain.Targets[i]);
            if (current.Id == wanted) continue;
            var serves = chain.Targets.Any(t => t.Id == wanted && t.State == TargetState.Serving);
            if (!serves || current.State != TargetState.Serving) return chain;
            return Changed(chain, [.. chain.Targets.RemoveAt(i), current with { State = TargetState.Offline }]);
        }

        return chain;
    }

    private static ChainInfo Changed(ChainInfo chain, ImmutableArray<ChainTarget> targets)
    {
        var next = chain with { Version = chain.Version.Next, Targets = targets };
        ChainRules.Check(next);
        return next;
    }
}
