using System.Collections.Immutable;
using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Admin;
using ThreeFs.Cli.Dev;
using ThreeFs.Cli.Moves;
using ThreeFs.Cli.Output;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Cli.Commands.Admin;

/// <summary>
/// `threefs admin create-chains`: gives storage servers new targets, lays chains over them, and puts the chains into a
/// chain table behind those it has. For a new cluster and for added servers.
/// </summary>
internal static class CreateChainsCommand
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    private static readonly Option<int> _replicas = new("--replicas")
    {
        Description = "Copies of every chunk.", DefaultValueFactory = _ => 3,
    };

    private static readonly Option<int> _perDisk = new("--targets-per-disk")
    {
        Description = "New targets on each disk.", DefaultValueFactory = _ => 1,
    };

    private static readonly Option<uint[]> _nodes = new("--nodes")
    {
        Description = "Storage servers to use [default: all].", AllowMultipleArgumentsPerToken = true,
    };

    private static readonly Option<uint> _table = new("--table")
    {
        Description = "Chain table to extend.", DefaultValueFactory = _ => 1,
    };
    private static readonly Option<bool> _dryRun = new("--dry-run") { Description = "Only print what would be made." };

    public static Command Create() => AdminCall.Command(
        "create-chains", "Make targets on storage servers, chains over them, and add the chains to a chain table.",
        RunAsync, _replicas, _perDisk, _nodes, _table, _dryRun);

    private static async Task<Result<string>> RunAsync(AdminCall call)
    {
        var chosen = ChooseNodes(call.Routing, call.Parsed.GetValue(_nodes) ?? []);
        if (!chosen.TryGet(out var ids)) return chosen.Status;
        var nodes = new List<(NodeId Node, int Disks)>();
        foreach (var id in ids)
        {
            var space = await call.View.Storage.Admin.SpaceInfoAsync(id, call.Ct);
            if (!space.TryGet(out var disks))
                return Failed($"cannot ask storage node {id} for its disks", space.Status);
            nodes.Add((id, disks.Length));
        }

        var planned = NewChains.Plan(
            call.Routing, nodes, call.Parsed.GetValue(_perDisk), call.Parsed.GetValue(_replicas));
        if (!planned.TryGet(out var plan)) return planned.Status;
        if (call.Parsed.GetValue(_dryRun)) return Describe(plan);
        var status = await MakeAsync(call, plan);
        return status.IsOk ? Describe(plan) + "all serve\n" : status;
    }

    /// <summary>
    /// All storage servers that are neither disabled nor being drained, or the named ones; each has to be there.
    /// </summary>
    internal static Result<ImmutableArray<NodeId>> ChooseNodes(RoutingInfo routing, uint[] named)
    {
        var all = routing.Nodes.Values.Where(n => n.Kind == NodeKind.Storage).ToDictionary(n => n.Id);
        NodeId[] wanted = named.Length > 0
            ? [.. named.Distinct().Select(n => new NodeId(n))]
            : [.. all.Values.Where(n => n.State != NodeState.Disabled && !ClusterSurvey.IsDraining(n))
                .Select(n => n.Id)];
        if (wanted.Length == 0)
        {
            return new Status(
                StatusCode.InvalidArgument, "no storage server is known to the cluster; start them first");
        }
        foreach (var id in wanted)
        {
            if (!all.TryGetValue(id, out var node))
                return new Status(StatusCode.InvalidArgument, $"there is no storage server with node id {id}");
            if (!node.IsActive)
                return new Status(
                    StatusCode.Unavailable,
                    $"storage server {id} is {Names.Of(node.State)}; start it, or name the others with --nodes");
        }

        return wanted.Order().ToImmutableArray();
    }

    private static async Task<Status> MakeAsync(AdminCall call, NewChains plan)
    {
        foreach (var target in plan.Targets)
        {
            var request = new CreateTargetRequest(target.Target, target.Chain, target.Disk);
            var created = await call.View.Storage.Admin.CreateTargetAsync(target.Node, request, call.Ct);
            if (!created.IsOk)
                return Failed($"cannot create target {target.Target} on storage node {target.Node}", created);
        }

        var status = await call.View.Mgmtd.SetChainsAsync(call.ClusterId, plan.Chains, call.Ct);
        if (!status.IsOk) return Failed("cannot create the chains", status);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(call.Ct);
        limit.CancelAfter(_patience);
        var serving = await call.View.Routing.WaitFor(r => plan.Chains.All(c => Serves(r, c.Id)), limit.Token);
        if (!serving.IsOk)
        {
            var late = string.Join(", ", NotServing.In(call.View.Routing.Current));
            return new Status(StatusCode.DeadlineExceeded, $"made, but not in a table yet: {late}");
        }

        var table = new ChainTableId(call.Parsed.GetValue(_table));
        ImmutableArray<ChainId> chains =
            [.. call.Routing.ChainTable(table)?.Chains ?? [], .. plan.Chains.Select(c => c.Id)];
        var set = await call.View.Mgmtd.SetChainTableAsync(call.ClusterId, table, chains, "", call.Ct);
        return set.IsOk
            ? Status.Ok
            : Failed($"the chains are made, but not in table {table}; repeat with set-table", set.Status);
    }

    private static bool Serves(RoutingInfo routing, ChainId id) =>
        routing.Chains.TryGetValue(id, out var chain) && chain.Targets.All(t => t.State == TargetState.Serving);

    private static string Describe(NewChains plan)
    {
        var table = new Table("CHAIN", "TARGETS (head to tail; target@node/disk)");
        var places = plan.Targets.ToDictionary(t => t.Target, t => $"{t.Target}@{t.Node}/{t.Disk}");
        foreach (var chain in plan.Chains)
            table.Add($"{chain.Id}", string.Join("  ", chain.Targets.Select(t => places[t])));
        return table.ToString();
    }

    private static Status Failed(string what, Status why) => new(
        why.Code, $"{what}: {why.Message ?? why.Code.ToString()}");
}
