using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.Chains;

namespace ThreeFs.Mgmtd.Tests.Chains;

/// <summary>
/// Judges one step of a chain by rules written down independently of the transition's code. Returns the broken rule or null.
/// </summary>
internal static class ChainChecker
{
    public static string? Broken(ChainInfo before, IReadOnlyList<TargetView> views, ChainInfo after)
    {
        if (Shape(after) is { } shape) return shape;
        if (!before.Targets.Select(t => t.Id).Order().SequenceEqual(after.Targets.Select(t => t.Id).Order())) return "the targets changed";

        var changed = !before.Targets.SequenceEqual(after.Targets);
        var expected = changed ? before.Version.Value + 1 : before.Version.Value;
        if (after.Version.Value != expected) return $"version {after.Version}, expected {expected}";

        for (var i = 0; i < before.Targets.Length; i++)
        {
            var id = before.Targets[i].Id;
            var step = (before.Targets[i].State, After(after, id));
            if (Step(step, views[i], before, views) is { } wrong) return $"target {id} {step.Item1} → {step.Item2} on {views[i]}: {wrong}";
        }

        // Relative order of those that go on serving is kept: the head stays the head.
        var served = before.Targets.Where(t => t.State == TargetState.Serving && After(after, t.Id) == TargetState.Serving).Select(t => t.Id);
        var serve = after.Targets.Where(t => t.State == TargetState.Serving && State(before, t.Id) == TargetState.Serving).Select(t => t.Id);
        if (!served.SequenceEqual(serve)) return "serving targets changed their order";
        return Authority(before, views, after);
    }

    public static string? Shape(ChainInfo chain)
    {
        var states = chain.Targets.Select(t => t.State).ToArray();
        if (!states.SequenceEqual(states.Order())) return "states out of order";
        var serving = states.Count(s => s == TargetState.Serving);
        var last = states.Count(s => s == TargetState.LastServing);
        var syncing = states.Count(s => s == TargetState.Syncing);
        if (serving + last == 0) return "no authority";
        if (last > 1 || (last == 1 && serving > 0)) return "two authorities";
        if (syncing > 1) return "two syncing";
        return syncing == 1 && serving == 0 ? "syncing without serving" : null;
    }

    private static string? Step((TargetState From, TargetState To) step, TargetView view, ChainInfo before, IReadOnlyList<TargetView> views) => step switch
    {
        // Backwards at once.
        (TargetState.Serving, TargetState.Serving) when view == TargetView.Offline => "a dead target serves on",
        (TargetState.Serving, TargetState.Serving) when view is TargetView.Started or TargetView.Online && Vouched(before, views) =>
            "a restarted target serves on although another vouches for the chain",
        (TargetState.Serving, TargetState.Serving) when view is TargetView.Started or TargetView.Online && !Presumed(before, views) =>
            "a restarted target serves on",
        (TargetState.Serving, TargetState.Syncing) => "from serving to syncing without confirming that it stopped",
        (TargetState.Serving, not TargetState.Serving) when view is TargetView.UpToDate or TargetView.Behind or TargetView.Unknown =>
            "a healthy or unheard target left serving",
        (TargetState.Syncing, TargetState.Syncing) when view is TargetView.Offline or TargetView.Started => "goes on syncing",

        // Forwards only from the current version.
        (not TargetState.Serving, TargetState.Serving) when view is not (TargetView.UpToDate or TargetView.Online) => "promoted without acting on the current version",
        (TargetState.Waiting or TargetState.Offline, TargetState.Serving) => "serves without having synced",
        (TargetState.Syncing, TargetState.Serving) when view != TargetView.UpToDate => "serves without being up to date",
        (TargetState.Waiting or TargetState.Offline, TargetState.Syncing) when view != TargetView.Online => "syncs without being online on the current version",
        (not TargetState.Syncing, TargetState.Syncing) when !Vouched(before, views) && !Returns(before, views) => "syncs from nobody who vouches for his content",
        (not (TargetState.Serving or TargetState.LastServing), TargetState.LastServing) => "an outsider became the authority",
        (TargetState.Offline, TargetState.Waiting) when view is TargetView.Offline or TargetView.Unknown or TargetView.Started or TargetView.Behind => "came up unheard",
        (not TargetState.LastServing, not (TargetState.Offline or TargetState.LastServing)) when view == TargetView.Offline => "a dead target has a place",
        (not TargetState.Offline, TargetState.Offline) when view != TargetView.Offline && step.From != TargetState.LastServing => "a living target went offline",
        (TargetState.LastServing, not (TargetState.LastServing or TargetState.Serving)) => "the only authority was given up",
        (TargetState.LastServing, TargetState.LastServing) when view is TargetView.Online or TargetView.UpToDate => "the awaited target is back and does not serve",
        _ => null,
    };

    /// <summary>Whoever is the authority now holds every acknowledged update: it was one before, or finished syncing.</summary>
    private static string? Authority(ChainInfo before, IReadOnlyList<TargetView> views, ChainInfo after)
    {
        var had = new HashSet<TargetId>();
        for (var i = 0; i < views.Count; i++)
        {
            if (before.Targets[i].State is TargetState.Serving or TargetState.LastServing) had.Add(before.Targets[i].Id);
            if (before.Targets[i].State == TargetState.Syncing && views[i] == TargetView.UpToDate) had.Add(before.Targets[i].Id);
        }

        return after.Targets.Where(t => t.State is TargetState.Serving or TargetState.LastServing).All(t => had.Contains(t.Id))
            ? null : "an authority that misses updates";
    }

    private static bool Vouched(ChainInfo before, IReadOnlyList<TargetView> views) => before.Targets.Where((t, i) =>
        (t.State == TargetState.Serving && views[i] is TargetView.UpToDate or TargetView.Behind && t.State == TargetState.Serving)
        || (t.State == TargetState.Syncing && views[i] == TargetView.UpToDate)).Any();

    private static bool Presumed(ChainInfo before, IReadOnlyList<TargetView> views) =>
        before.Targets.Where((t, i) => t.State == TargetState.Serving && views[i] == TargetView.Unknown).Any();

    private static bool Returns(ChainInfo before, IReadOnlyList<TargetView> views) =>
        before.Targets.Where((t, i) => t.State == TargetState.LastServing && views[i] is TargetView.UpToDate or TargetView.Online && t.State == TargetState.LastServing).Any();

    private static TargetState After(ChainInfo after, TargetId id) => State(after, id);

    private static TargetState State(ChainInfo chain, TargetId id) => chain.Targets.First(t => t.Id == id).State;
}
