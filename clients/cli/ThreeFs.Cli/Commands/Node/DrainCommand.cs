using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Admin;
using ThreeFs.Cli.Moves;
using ThreeFs.Contracts.Routing;
using ThreeFs.Placement;

namespace ThreeFs.Cli.Commands.Node;

/// <summary>
/// `threefs node drain`: all targets of a storage server move to others while clients work. The server may be dead:
/// then the others of each chain are what is copied. Run again it finishes what an interrupted run began.
/// </summary>
internal static class DrainCommand
{
    private static readonly Argument<uint> _node = new("NODE") { Description = "The storage server to empty." };

    public static Command Create() => MoveCommand.Create(
        "drain",
        "Move all targets of a storage server to others, and put none there any more. Clients go on; may be repeated.",
        RunAsync, _node);

    private static async Task<Result<string>> RunAsync(AdminCall call)
    {
        var id = new NodeId(call.Parsed.GetValue(_node));
        if (!call.Routing.Nodes.TryGetValue(id, out var node) || node.Kind != NodeKind.Storage)
            return new Status(StatusCode.InvalidArgument, $"there is no storage server with node id {id}");
        var begun = MoveCommand.Begun(call.Routing, t => t.Node == id);
        var targets = call.Routing.Targets.Values.Where(t => t.Node == id && !begun.Contains(t.Chain))
            .Select(t => t.Id).ToArray();
        foreach (var target in targets)
        {
            if (MoveStep.Refusal(call.Routing, target) is { } refusal)
                return new Status(StatusCode.InvalidArgument, refusal);
        }

        var asked = await ClusterSurvey.AskAsync(call);
        if (!asked.TryGet(out var survey)) return asked.Status;
        var ids = new NewTargetIds(call.Routing, survey.Held);
        var planned = Relocation.Away(call.Routing, [.. survey.Disks.Where(d => d.Node != id)], targets, ids.Holder);
        if (!planned.TryGet(out var moves)) return planned.Status;
        if (!MoveCommand.IsDryRun(call))
        {
            var tagged = await NodeTags.SetAsync(call, id, "yes");
            if (!tagged.IsOk) return tagged;
        }

        var moved = await MoveCommand.RunAsync(call, moves, begun, ids);
        if (MoveCommand.IsDryRun(call) || !moved.TryGet(out var text)) return moved;
        var left = call.View.Routing.Current.Targets.Values.Where(t => t.Node == id).ToArray();
        return left.Length == 0
            ? $"{text}node {id} holds no target of a chain any more and gets none (until `threefs node add {id}`)\n"
            : new Status(StatusCode.Busy, $"{text}node {id} got target {left[0].Id} meanwhile; run the command again");
    }
}
