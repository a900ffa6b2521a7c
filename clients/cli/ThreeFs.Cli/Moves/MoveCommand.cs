using System.CommandLine;
using System.Text;
using ThreeFs.Base;
using ThreeFs.Cli.Admin;
using ThreeFs.Cli.Output;
using ThreeFs.Contracts.Routing;
using ThreeFs.Placement;

namespace ThreeFs.Cli.Moves;

/// <summary>
/// What the commands that move targets have in common: their options, the order of things, and what
/// they tell in the end.
/// </summary>
internal static class MoveCommand
{
    private static readonly Option<bool> _dryRun = new("--dry-run")
    {
        Description = "Only print what would be moved where.",
    };

    private static readonly Option<bool> _destroyOld = new("--destroy-old")
    {
        Description = "Delete the data of the old targets once they are removed from their chains.",
    };

    private static readonly Option<int> _parallel = new("--parallel")
    {
        Description = "Chains that change at the same time.", DefaultValueFactory = _ => 4,
    };

    public static Command Create(
        string name, string description, Func<AdminCall, Task<Result<string>>> run, params Symbol[] symbols) =>
        AdminCall.Command(name, description, run, [.. symbols, _dryRun, _destroyOld, _parallel]);

    public static bool IsDryRun(AdminCall call) => call.Parsed.GetValue(_dryRun);

    /// <summary>
    /// The chains in which a target of a node, or one of those given, is leaving already: what another run began.
    /// </summary>
    public static ChainId[] Begun(RoutingInfo routing, Func<TargetInfo, bool> isMeant) =>
    [
        .. routing.Chains.Values
            .Where(c => c.Targets.Any(
                t => c.IsLeaving(t.Id) && routing.Targets.TryGetValue(t.Id, out var info) && isMeant(info)))
            .Select(c => c.Id).Order(),
    ];

    /// <param name="begun">Chains to finish beside those of the moves.</param>
    public static async Task<Result<string>> RunAsync(
        AdminCall call, IReadOnlyList<TargetMove> moves, IReadOnlyCollection<ChainId> begun, NewTargetIds ids)
    {
        if (call.Parsed.GetValue(_parallel) is var parallel && parallel < 1)
            return new Status(StatusCode.InvalidArgument, $"--parallel {parallel}: must be at least 1");
        if (IsDryRun(call)) return Describe(call.Routing, moves, begun);
        var run = new MoveRun(call.View, moves, ids, parallel, call.Parsed.GetValue(_destroyOld), Say.Progress);
        var status = await run.RunAsync([.. moves.Select(m => m.Chain).Union(begun)], call.Ct);
        if (!status.IsOk) return status;
        var text = new StringBuilder($"{run.Removed} targets moved\n");

        // A lost disk's targets are on no server any more.
        var listed = await call.View.Mgmtd.ListOrphanTargetsAsync(call.ClusterId, call.Ct);
        var held = listed.TryGet(out var orphans) ? orphans.Select(o => o.Id).ToHashSet() : [];
        foreach (var (target, node) in run.Left.Where(l => held.Contains(l.Target)).OrderBy(l => l.Target))
            text.Append($"target {target} on node {node} still holds its data: threefs target destroy {target}\n");
        var turned = call.View.Routing.Current.Chains.Values.Count(c => Rotation.Next(c) is not null);
        if (turned > 0)
        {
            text.Append($"{turned} chains are not in their preferred order, which spreads heads evenly: ");
            text.Append("threefs admin rotate --all\n");
        }

        return text.ToString();
    }

    private static string Describe(
        RoutingInfo routing, IReadOnlyList<TargetMove> moves, IReadOnlyCollection<ChainId> begun)
    {
        var table = new Table("CHAIN", "TARGET", "FROM NODE/DISK", "TO NODE/DISK", "BYTES");
        foreach (var move in moves)
        {
            var old = routing.Targets[move.Old];
            table.Add(
                $"{move.Chain}", $"{move.Old}", $"{old.Node}/{old.DiskIndex}",
                $"{move.Node}/{move.Disk}", $"{new ByteSize(move.Bytes)}");
        }

        return moves.Count == 0 && begun.Count == 0
            ? "nothing to move\n"
            : table + (begun.Count > 0 ? $"to be finished: chains {string.Join(", ", begun)}\n" : "");
    }
}
