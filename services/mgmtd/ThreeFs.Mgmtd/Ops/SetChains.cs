using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.State;

namespace ThreeFs.Mgmtd.Ops;

/// <summary>
/// Creates chains. Nothing is trusted that was not reported: the first target of a new chain is the authority that is
/// waited for (LastServing), the others sync from it. Empty targets do that in one exchange each, and targets that hold
/// data of an earlier life cannot contradict each other.
/// </summary>
internal static class SetChains
{
    public static Result<Change<bool>> Apply(ClusterRecord cluster, ImmutableArray<ChainSetting> settings)
    {
        if (settings.IsDefaultOrEmpty) return Bad("no chain is given");
        var seen = new HashSet<ChainId>();
        var next = cluster;
        foreach (var setting in settings)
        {
            var wrong = Wrong(setting);
            if (!seen.Add(setting.Id)) wrong = $"chain {setting.Id} is given twice";
            if (wrong is not null) return Bad(wrong);
            if (cluster.Chains.TryGetValue(setting.Id, out var old))
            {
                if (old.Targets.Select(t => t.Id).ToHashSet().SetEquals(setting.Targets)) continue;
                return Bad($"chain {setting.Id} exists with other targets; add and remove them one by one");
            }

            foreach (var target in setting.Targets)
            {
                if (next.ChainOf.TryGetValue(target, out var other))
                    return new Status(
                        StatusCode.TargetExists, $"target {target} of chain {setting.Id} is in chain {other} already");
            }

            if (next.Chains.Count >= MgmtdLimits.Chains)
                return new Status(StatusCode.Overloaded, $"there are {MgmtdLimits.Chains} chains, no more fit");
            next = next.With(Create(setting));
        }

        return new Change<bool>(next, true);
    }

    private static ChainInfo Create(ChainSetting setting) => new(
        setting.Id,
        new ChainVersion(1),
        [
            .. setting.Targets.Select(
                (t, i) => new ChainTarget(t, i == 0 ? TargetState.LastServing : TargetState.Offline)),
        ],
        setting.PreferredOrder);

    private static string? Wrong(ChainSetting setting)
    {
        if (setting.Id.Value == 0) return "0 is no chain id";
        if (setting.Targets.IsDefaultOrEmpty) return $"chain {setting.Id} has no target";
        if (setting.Targets.Length > MgmtdLimits.TargetsPerChain)
            return $"chain {setting.Id} has more than {MgmtdLimits.TargetsPerChain} targets";
        if (setting.Targets.Any(t => t.Value == 0)) return $"chain {setting.Id}: 0 is no target id";
        if (setting.Targets.Distinct().Count() != setting.Targets.Length)
            return $"chain {setting.Id} has a target twice";
        if (!setting.PreferredOrder.IsDefaultOrEmpty && setting.PreferredOrder.Length < setting.Targets.Length)
            return $"chain {setting.Id}: the preferred order leaves targets out";
        return SetPreferredOrder.Wrong(setting.Id, setting.Targets, setting.PreferredOrder);
    }

    private static Status Bad(string message) => new(StatusCode.InvalidArgument, message);
}
