using ThreeFs.Base;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Mgmtd.Chains;

/// <summary>
/// What is true of every chain at all times:
/// <list type="number">
/// <item>targets are unique, and ordered Serving, LastServing, Syncing, Waiting, Offline;</item>
/// <item>there is an authority: at least one Serving target, or exactly one LastServing, never both kinds;</item>
/// <item>at most one target is Syncing, and only while one is Serving.</item>
/// </list>
/// </summary>
public static class ChainRules
{
    /// <summary>The broken rule in words, or null.</summary>
    public static string? Broken(ChainInfo chain)
    {
        if (chain.Targets.IsDefaultOrEmpty) return "it has no target";
        int serving = 0, last = 0, syncing = 0;
        var seen = new HashSet<TargetId>();
        var previous = default(TargetState);
        foreach (var target in chain.Targets)
        {
            if (!seen.Add(target.Id)) return $"target {target.Id} is in it twice";
            if (!Enum.IsDefined(target.State)) return $"target {target.Id} has the unknown state {(byte)target.State}";
            if (target.State < previous)
                return $"target {target.Id} ({target.State}) comes after one that is {previous}";
            previous = target.State;
            if (target.State == TargetState.Serving) serving++;
            if (target.State == TargetState.LastServing) last++;
            if (target.State == TargetState.Syncing) syncing++;
        }

        if (serving == 0 && last == 0) return "no target is the authority";
        if (serving > 0 && last > 0) return "it has a serving and a last serving target";
        if (last > 1) return "it has two last serving targets";
        if (syncing > 1) return "two targets are syncing";
        return syncing > 0 && serving == 0 ? "a target is syncing from nobody" : null;
    }

    public static void Check(ChainInfo chain)
    {
        var broken = Broken(chain);
        Invariant.Check(broken is null, $"chain {chain.Id} version {chain.Version}: {broken}");
    }
}
