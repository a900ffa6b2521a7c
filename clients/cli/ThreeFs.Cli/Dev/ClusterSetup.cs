using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Client.Mgmtd;
using ThreeFs.Client.Storage;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;
using ThreeFs.Placement;

namespace ThreeFs.Cli.Dev;

/// <summary>
/// Gives a new cluster its targets, chains and chain table; on a cluster that has them it changes nothing. Every step
/// may be repeated, so an `up` that was interrupted is finished by the next one.
/// </summary>
internal static class ClusterSetup
{
    public static readonly ChainTableId Table = new(1);

    public static async Task<Status> RunAsync(
        ClusterPlan plan, MgmtdClient mgmtd, RoutingCache routing, StorageClient storage, CancellationToken ct)
    {
        // Only an answer of the cluster manager tells a new cluster from one whose routing is not here yet.
        var ready = await routing.WaitFor(
            r => r.ChainTable(Table) is not null || StorageNodes(r).Count(n => n.IsActive) >= plan.Storage, ct);
        if (!ready.TryGet(out var current)) return ready.Status;
        if (current.ChainTable(Table) is not null) return Status.Ok;
        if (plan.Made)
            return new Status(
                StatusCode.Corruption,
                "the key-value store has nothing of this cluster in it: it is another or a new one");

        var nodes = StorageNodes(current).Where(n => n.IsActive).OrderBy(n => n.Id)
            .Select(n => (n.Id, Targets: TargetsOf(n.Id, plan.Targets)))
            .ToArray();
        var chains = ChainPlan.Create(nodes, plan.Replicas);
        var chainOf = chains.SelectMany(c => c.Targets.Select(t => (Target: t, c.Id)))
            .ToDictionary(p => p.Target, p => p.Id);
        foreach (var (node, targets) in nodes)
        {
            foreach (var target in targets)
            {
                var request = new CreateTargetRequest(target, chainOf[target], DiskIndex: 0);
                var created = await storage.Admin.CreateTargetAsync(node, request, ct);
                if (!created.IsOk)
                    return new Status(
                        created.Code, $"cannot create target {target} on storage node {node}: {created.Message}");
            }
        }

        var status = await mgmtd.SetChainsAsync(plan.ClusterId, chains, ct);
        if (!status.IsOk) return new Status(status.Code, $"cannot create the chains: {status.Message}");
        ImmutableArray<ChainId> ids = [.. chains.Select(c => c.Id)];
        return (await mgmtd.SetChainTableAsync(plan.ClusterId, Table, ids, "created by threefs up", ct)).Status;
    }

    private static IReadOnlyList<TargetId> TargetsOf(NodeId node, int count) =>
        [.. Enumerable.Range(1, count).Select(t => LocalRoles.TargetOf(node, t))];

    private static IEnumerable<NodeInfo> StorageNodes(RoutingInfo routing) =>
        routing.Nodes.Values.Where(n => n.Kind == NodeKind.Storage);
}
