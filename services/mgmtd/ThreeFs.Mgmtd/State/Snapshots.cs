using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.Records;

namespace ThreeFs.Mgmtd.State;

/// <summary>Makes the picture that the world sees of a term.</summary>
internal static class Snapshots
{
    public static RoutingInfo Of(Term term, RoutingVersion version) => new(
        version,
        term.Cluster.Nodes.Values.Select(n => NodeOf(term, n)),
        term.Cluster.Chains.Values,
        term.Cluster.Chains.Values.SelectMany(c => c.Targets.Select(t => TargetOf(term, c.Id, t))),
        term.Cluster.Tables.Values);

    public static NodeInfo NodeOf(Term term, NodeRecord node) => new(
        node.Id, node.Kind, node.HostName, node.ProcessId, node.Endpoints, term.StateOf(node),
        term.Nodes[node.Id].LastHeartbeat, node.Tags);

    /// <summary>A target that nobody reported in this term is shown where its record says.</summary>
    public static TargetInfo TargetOf(Term term, ChainId chain, ChainTarget target)
    {
        if (term.Targets.TryGetValue(target.Id, out var live) && live.Node.Value != 0)
            return Of(live, chain, target.State);
        var record = term.Cluster.Targets.GetValueOrDefault(target.Id);
        return new TargetInfo(
            target.Id, chain, target.State, LocalTargetState.Offline, record?.Node ?? default, record?.DiskIndex ?? 0,
            0, false);
    }

    public static TargetInfo Of(LiveTarget live, ChainId chain, TargetState state) => new(
        live.Id, chain, state, live.Alive ? live.State : LocalTargetState.Offline, live.Node, live.DiskIndex,
        live.UsedBytes, live.LowSpace, live.CapacityBytes);
}
