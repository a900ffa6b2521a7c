using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Admin;
using ThreeFs.Cli.Moves;
using ThreeFs.Contracts.Routing;
using ThreeFs.Placement;

namespace ThreeFs.Cli.Commands.Node;

/// <summary>
/// `threefs node add`: a storage server that is up gets its fair share of the targets that exist, from the servers with
/// most. Files stay readable and writable, and the chains stay the same: only who holds them changes.
/// </summary>
internal static class AddCommand
{
    private static readonly Argument<uint> _node = new("NODE")
    {
        Description = "The storage server that takes over targets.",
    };

    public static Command Create() => MoveCommand.Create(
        "add", "Move a fair share of all targets onto a storage server that is up. Clients go on; may be repeated.",
        RunAsync, _node);

    private static async Task<Result<string>> RunAsync(AdminCall call)
    {
        var id = new NodeId(call.Parsed.GetValue(_node));
        if (!call.Routing.Nodes.TryGetValue(id, out var node) || node.Kind != NodeKind.Storage)
            return new Status(
                StatusCode.InvalidArgument, $"there is no storage server with node id {id}; start it first");
        if (!node.IsActive)
            return new Status(StatusCode.Unavailable, $"storage server {id} is {Names.Of(node.State)}; start it first");
        if (ClusterSurvey.IsDraining(node))
        {
            if (MoveCommand.IsDryRun(call))
            {
                return new Status(
                    StatusCode.InvalidArgument, $"node {id} is being drained; without --dry-run that ends");
            }
            var tagged = await NodeTags.SetAsync(call, id, "");
            if (!tagged.IsOk) return tagged;
            call = call with { Routing = call.View.Routing.Current };
        }

        var asked = await ClusterSurvey.AskAsync(call);
        if (!asked.TryGet(out var survey)) return asked.Status;
        var ids = new NewTargetIds(call.Routing, survey.Held);
        var moves = Relocation.Towards(call.Routing, survey.Disks, id);
        return await MoveCommand.RunAsync(call, moves, Begun(call.Routing, id), ids);
    }

    /// <summary>Chains that this server joined and another one has not left.</summary>
    private static ChainId[] Begun(RoutingInfo routing, NodeId node) =>
        MoveCommand.Begun(routing, t => routing.Chains[t.Chain].PreferredOrder.Any(
            o => routing.Targets.TryGetValue(o, out var wanted) && wanted.Node == node));
}
