using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Mgmtd.Chains;

/// <summary>
/// Changes of a chain's order that an operator asks for; pure. Each answers the chain itself when
/// there is nothing to do.
/// </summary>
public static class ChainRotation
{
    /// <summary>
    /// Gives up the last serving target: the next one becomes the authority, everybody else has to sync from it.
    /// Updates that only the given-up target has are lost.
    /// </summary>
    public static ChainInfo GiveUpLast(ChainInfo chain)
    {
        if (chain.Targets.Length < 2 || chain.Targets[0].State != TargetState.LastServing) return chain;
        var heir = chain.Targets[1] with { State = TargetState.LastServing };
        var others = chain.Targets.Skip(2).Append(chain.Targets[0]).Select(t => t with { State = TargetState.Offline });
        return Changed(chain, [heir, .. others]);
    }

    private static ChainInfo Changed(ChainInfo chain, ImmutableArray<ChainTarget> targets)
    {
        var next = chain with { Version = chain.Version.Next, Targets = targets };
        ChainRules.Check(next);
        return next;
    }
}
