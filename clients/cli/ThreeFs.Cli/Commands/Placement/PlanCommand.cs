using System.CommandLine;
using ThreeFs.Base;
using ThreeFs.Cli.Admin;
using ThreeFs.Cli.Output;
using ThreeFs.Contracts.Routing;
using ThreeFs.Placement;

namespace ThreeFs.Cli.Commands.Placement;

/// <summary>
/// `threefs placement plan`: the chains for so many nodes, targets and replicas, or those of a live cluster, and what
/// each node's failure costs the others. Changes nothing.
/// </summary>
internal static class PlanCommand
{
    private const int MostNodes = 10_000;
    private const int MostTargets = 100_000;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);
    private static readonly Option<int?> _nodes = new("--nodes")
    {
        Description = "Plan for so many storage servers, without a cluster.",
    };
    private static readonly Option<int> _targets = new("--targets")
    {
        Description = "Targets of each.", DefaultValueFactory = _ => 2,
    };
    private static readonly Option<int> _replicas = new("--replicas")
    {
        Description = "Targets of a chain.", DefaultValueFactory = _ => 3,
    };
    private static readonly Option<ulong> _seed = new("--seed")
    {
        Description = "Another seed gives other chains.", DefaultValueFactory = _ => 1,
    };

    public static Command Create()
    {
        var which = new WhichCluster();
        var command = new Command(
            "plan",
            "Print chains and how a failed server's load is spread: planned ones (--nodes), "
            + "or those of a live cluster.")
        {
            _nodes, _targets, _replicas, _seed,
        };
        which.AddTo(command);
        command.SetAction((parsed, ct) => RunAsync(which, parsed, ct));
        return command;
    }

    private static async Task<int> RunAsync(WhichCluster which, ParseResult parsed, CancellationToken ct)
    {
        var text = parsed.GetValue(_nodes) is { } nodes
            ? Planned(nodes, parsed.GetValue(_targets), parsed.GetValue(_replicas), parsed.GetValue(_seed))
            : await LiveAsync(which, parsed, ct);
        if (!text.TryGet(out var printed)) return Say.Failure(text.Status);
        Console.Write(printed);
        return 0;
    }

    internal static Result<string> Planned(int nodes, int targets, int replicas, ulong seed)
    {
        if (nodes is < 1 or > MostNodes) return Bad($"--nodes {nodes}: must be from 1 to {MostNodes}");
        if (targets < 1 || (long)targets * nodes > MostTargets)
            return Bad($"--targets {targets}: all nodes together may have 1 to {MostTargets}");
        var each = Enumerable.Repeat(targets, nodes).ToArray();
        if (ChainPlacement.Wrong(each, replicas) is { } wrong) return Bad(wrong);
        var chains = ChainPlacement.Plan(each, replicas, seed);
        var table = new Table("CHAIN", "NODES (head to tail)");
        for (var c = 0; c < chains.Count; c++) table.Add($"{c + 1}", string.Join("  ", chains[c].Select(n => n + 1)));
        return table + "\n" + PlacementText.Of(PlacementReport.Of(nodes, chains), chains.Count, n => $"{n + 1}");
    }

    private static async Task<Result<string>> LiveAsync(WhichCluster which, ParseResult parsed, CancellationToken ct)
    {
        var connected = which.Connect(parsed);
        if (!connected.TryGet(out var opened)) return connected.Status;
        await using var view = opened;
        var found = await view.FindRoutingAsync(_patience, ct);
        if (!found.TryGet(out var routing)) return found.Status;
        return routing.Chains.Count > 0
            ? Live(routing)
            : new Status(StatusCode.NotFound, $"cluster {view.ClusterId} has no chains");
    }

    /// <summary>
    /// The chains as they are now: the first target of each is its head, whoever was meant to be. Servers without
    /// targets count for nothing.
    /// </summary>
    internal static string Live(RoutingInfo routing)
    {
        var used = routing.Targets.Values.Select(t => t.Node).ToHashSet();
        var nodes = routing.Nodes.Values.Where(n => n.Kind == NodeKind.Storage && used.Contains(n.Id))
            .Select(n => n.Id).Order().ToArray();
        var chains = ChainPlan.Chains(routing, n => Array.IndexOf(nodes, n) is var i and >= 0 ? i : null);
        var table = new Table("CHAIN", "TARGETS (head to tail; target@node)");
        foreach (var chain in routing.Chains.Values.OrderBy(c => c.Id))
            table.Add($"{chain.Id}", string.Join("  ", chain.Targets.Select(t => $"{t.Id}@{NodeOf(routing, t.Id)}")));
        return table + "\n" + PlacementText.Of(
            PlacementReport.Of(nodes.Length, chains), chains.Count, n => $"{nodes[n]}");
    }

    private static string NodeOf(RoutingInfo routing, TargetId target) =>
        routing.Targets.TryGetValue(target, out var info) && info.Node.Value != 0 ? $"{info.Node}" : "?";

    private static Status Bad(string message) => new(StatusCode.InvalidArgument, message);
}
