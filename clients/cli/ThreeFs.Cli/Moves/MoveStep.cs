using ThreeFs.Base;
using ThreeFs.Cli.Admin;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Cli.Moves;

internal enum MoveStepKind
{
    /// <summary>Nothing leaves the chain.</summary>
    Done,
    /// <summary>A wanted target does not serve yet.</summary>
    Wait,
    /// <summary>A leaving target serves and is not needed any more.</summary>
    StepDown,
    /// <summary>A leaving target answers nobody and can be removed.</summary>
    Remove,
}

/// <summary>
/// What is to be done next so that a chain becomes the one that is wanted (<see cref="ChainInfo.PreferredOrder"/>):
/// pure, so whoever looks at the chain goes on with what another one began. A leaving target is touched only once every
/// wanted one serves.
/// </summary>
/// <param name="Target">Whom it is about; 0 when done.</param>
internal readonly record struct MoveStep(MoveStepKind Kind, TargetId Target, string Why)
{
    public static MoveStep Next(ChainInfo chain)
    {
        var leaving = chain.Targets.Where(t => chain.IsLeaving(t.Id)).ToArray();
        if (leaving.Length == 0) return new MoveStep(MoveStepKind.Done, default, "");
        foreach (var wanted in chain.PreferredOrder)
        {
            var member = chain.Targets.FirstOrDefault(t => t.Id == wanted);
            if (member?.State != TargetState.Serving)
                return new MoveStep(
                    MoveStepKind.Wait, wanted, member is null ? "is not in the chain" : $"is {Names.Of(member.State)}");
        }

        // Those that are out already make the chain shorter first: a chain never gives up a serving
        // one beside a dead one.
        if (leaving.FirstOrDefault(t => t.State is not (TargetState.Serving or TargetState.LastServing)) is { } gone)
            return new MoveStep(MoveStepKind.Remove, gone.Id, "");
        return new MoveStep(MoveStepKind.StepDown, leaving[0].Id, "");
    }

    /// <summary>Why a target cannot be replaced without losing data or at all, in words; null when it can.</summary>
    public static string? Refusal(RoutingInfo routing, TargetId target)
    {
        if (!routing.Targets.TryGetValue(target, out var info)) return $"target {target} is in no chain";
        var chain = routing.Chains[info.Chain];
        if (chain.Targets.Any(t => t.State == TargetState.Serving)) return null;
        return info.State == TargetState.LastServing
            ? $"target {target} alone has every update of chain {chain.Id}, and it does not serve: "
                + "a new one would have nothing to copy. "
                + "Bring its server and disk back first; if that can never be, see `threefs admin give-up-last`"
            : $"no target of chain {chain.Id} serves ({Names.Of(chain)}): a new one would have nothing to copy. "
                + $"Bring target {chain.Targets[0].Id} back first";
    }
}
