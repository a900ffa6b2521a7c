using System.Collections.Immutable;
using System.CommandLine;
using System.Globalization;
using ThreeFs.Base;
using ThreeFs.Cli.Admin;
using ThreeFs.Cli.Moves;
using ThreeFs.Placement;

namespace ThreeFs.Cli.Commands.Target;

/// <summary>
/// `threefs target replace`: targets of a dead disk, or any, are replaced by new ones on other disks while clients
/// work. Run again it finishes what an interrupted run began.
/// </summary>
internal static class ReplaceCommand
{
    private static readonly Argument<ulong[]> _targets = new("TARGET")
    {
        Description = "Targets of chains.", Arity = ArgumentArity.ZeroOrMore,
    };
    private static readonly Option<string?> _disk = new("--disk") { Description = "NODE/DISK: all targets there." };
    private static readonly Option<string?> _to = new("--to")
    {
        Description = "NODE or NODE/DISK that gets the new targets [default: for each the server with the fewest].",
    };

    public static Command Create() => MoveCommand.Create(
        "replace",
        "Replace targets by new ones on other disks: the new one syncs, then the old one leaves its chain. "
        + "Clients go on; may be repeated.",
        RunAsync, _targets, _disk, _to);

    private static async Task<Result<string>> RunAsync(AdminCall call)
    {
        var chosen = Choose(call);
        if (!chosen.TryGet(out var targets)) return chosen.Status;
        foreach (var target in targets)
        {
            if (MoveStep.Refusal(call.Routing, target) is { } refusal) return Bad(refusal);
        }

        var asked = await ClusterSurvey.AskAsync(call);
        if (!asked.TryGet(out var survey)) return asked.Status;
        var limited = Limit(call, survey, targets);
        if (!limited.TryGet(out var disks)) return limited.Status;
        var ids = new NewTargetIds(call.Routing, survey.Held);
        var begun = MoveCommand.Begun(call.Routing, t => targets.Contains(t.Id));
        var planned = Relocation.Away(
            call.Routing, disks, targets.Where(t => !begun.Contains(call.Routing.Targets[t].Chain)), ids.Holder);
        return planned.TryGet(out var moves) ? await MoveCommand.RunAsync(call, moves, begun, ids) : planned.Status;
    }

    private static Result<ImmutableArray<TargetId>> Choose(AdminCall call)
    {
        var named = (call.Parsed.GetValue(_targets) ?? []).Select(t => new TargetId(t)).ToHashSet();
        if (call.Parsed.GetValue(_disk) is { } text)
        {
            if (Parse(text) is not ({ } node, { } disk)) return Bad($"--disk {text}: is not NODE/DISK, such as 202/0");
            var there = call.Routing.Targets.Values.Where(t => t.Node == node && t.DiskIndex == disk)
                .Select(t => t.Id).ToArray();
            if (there.Length == 0) return Bad($"--disk {text}: no target of a chain is there");
            named.UnionWith(there);
        }

        return named.Count > 0
            ? named.Order().ToImmutableArray()
            : Bad("which targets? Name them, or all of a disk with --disk NODE/DISK");
    }

    /// <summary>The disks that may be used: those of --to, and without it all but the ones that are replaced.</summary>
    private static Result<IReadOnlyList<StorageDisk>> Limit(
        AdminCall call, ClusterSurvey survey, ImmutableArray<TargetId> targets)
    {
        var disks = survey.Disks;
        if (call.Parsed.GetValue(_to) is not { } to)
        {
            var replaced = targets.Select(t => call.Routing.Targets[t]).Select(t => (t.Node, t.DiskIndex)).ToHashSet();
            return disks.Where(d => !replaced.Contains((d.Node, d.Index))).ToArray();
        }

        var (node, disk) = Parse(to);
        if (node is null) return Bad($"--to {to}: is neither NODE nor NODE/DISK, such as 204 or 204/1");
        var meant = disks.Where(d => d.Node == node && (disk is null || d.Index == disk)).ToArray();
        return meant.Length > 0
            ? meant
            : Bad(
                $"--to {to}: there is no such storage server or disk, or it is not up or being drained "
                + "(threefs admin nodes)");
    }

    private static (NodeId? Node, int? Disk) Parse(string text)
    {
        var parts = text.Split('/');
        if (parts.Length > 2 || !uint.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var node))
            return default;
        if (parts.Length == 1) return (new NodeId(node), null);
        return int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var disk)
            ? (new NodeId(node), disk)
            : default;
    }

    private static Status Bad(string message) => new(StatusCode.InvalidArgument, message);
}
