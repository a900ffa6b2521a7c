using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Cli.Dev;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Placement;

namespace ThreeFs.Cli.Admin;

internal sealed record NewTarget(TargetId Target, ChainId Chain, NodeId Node, int Disk);

/// <summary>
/// A plan of new targets and chains over storage nodes, even where other chains are not. Ids continue behind those in
/// routing: chains behind the highest, a node's targets behind its highest (node id × 100 + number). The same routing
/// gives the same plan, so a run that was interrupted before its chains were made is finished by another one.
/// </summary>
internal sealed record NewChains(ImmutableArray<ChainSetting> Chains, ImmutableArray<NewTarget> Targets)
{
    private const ulong TargetsPerNode = 99;

    public static Result<NewChains> Plan(
        RoutingInfo routing, IReadOnlyList<(NodeId Node, int Disks)> nodes, int targetsPerDisk, int replicas)
    {
        if (targetsPerDisk < 1) return Bad($"--targets-per-disk {targetsPerDisk}: must be at least 1");
        if (replicas < 1) return Bad($"--replicas {replicas}: must be at least 1");
        if (nodes.Count < replicas)
        {
            return Bad(
                $"--replicas {replicas} needs as many storage servers, and there are {nodes.Count}: "
                + "two replicas on one server would fail together");
        }

        if (ChainPlacement.Wrong([.. nodes.Select(n => n.Disks * targetsPerDisk)], replicas) is { } wrong)
            return Bad($"--targets-per-disk {targetsPerDisk} --replicas {replicas}: {wrong}");
        var targets = new List<(NodeId Node, IReadOnlyList<TargetId> Targets)>();
        foreach (var (node, disks) in nodes)
        {
            var (used, count) = (HighestNumber(routing, node), disks * targetsPerDisk);
            if (used + (ulong)count > TargetsPerNode)
            {
                return Bad(
                    $"node {node} would have more than {TargetsPerNode} target numbers in use; "
                    + "create its targets one by one (create-target)");
            }

            targets.Add((node, [.. Enumerable.Range(1, count).Select(i => LocalRoles.TargetOf(node, (int)used + i))]));
        }

        var firstChain = routing.Chains.Count == 0 ? 0 : routing.Chains.Keys.Max(c => c.Value);
        var chains = ChainPlan.Create(targets, replicas, routing, firstChain + 1);
        var chainOf = chains.SelectMany(c => c.Targets.Select(t => (Target: t, c.Id)))
            .ToDictionary(p => p.Target, p => p.Id);
        var disksOf = nodes.ToDictionary(n => n.Node, n => n.Disks);
        var all = targets.SelectMany(
            n => n.Targets.Select((t, i) => new NewTarget(t, chainOf[t], n.Node, i % disksOf[n.Node])));
        return new NewChains(chains, [.. all]);
    }

    private static ulong HighestNumber(RoutingInfo routing, NodeId node) =>
        routing.Chains.Values.SelectMany(c => c.Targets)
            .Where(t => t.Id.Value / 100 == node.Value).Select(t => t.Id.Value % 100).DefaultIfEmpty().Max();

    private static Status Bad(string message) => new(StatusCode.InvalidArgument, message);
}
