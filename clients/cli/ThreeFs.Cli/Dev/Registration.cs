using ThreeFs.Contracts.Routing;
using ThreeFs.Base;

namespace ThreeFs.Cli.Dev;

/// <summary>Whether the cluster manager knows a process that was started, and not only the one before it.</summary>
internal static class Registration
{
    /// <summary>Names of those whose running process is not active in routing yet.</summary>
    public static IReadOnlyList<string> Missing(IEnumerable<LocalRole> started, RoutingInfo routing) =>
        [.. started.Where(r => !IsIn(routing, r.NodeId, r.Process.Pid)).Select(r => r.Name)];

    /// <param name="nodeId">0 for a process that is no node, such as the mount.</param>
    internal static bool IsIn(RoutingInfo routing, uint nodeId, int? pid) =>
        nodeId == 0
        || (routing.Nodes.TryGetValue(new NodeId(nodeId), out var node) && node.IsActive && node.ProcessId == pid);
}
