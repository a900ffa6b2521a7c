using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.Records;
using ThreeFs.Mgmtd.State;

namespace ThreeFs.Mgmtd.Ops;

/// <summary>Makes a node known before it has spoken; where it is reached comes with its first heartbeat.</summary>
internal static class RegisterNode
{
    public static Result<Change<bool>> Apply(ClusterRecord cluster, NodeId id, NodeKind kind)
    {
        if (id.Value == 0) return new Status(StatusCode.InvalidArgument, "0 is no node id");
        if (!Enum.IsDefined(kind)) return new Status(StatusCode.InvalidArgument, $"{(byte)kind} is no kind of node");
        if (cluster.Nodes.ContainsKey(id)) return new Status(StatusCode.NodeExists, $"node {id} is registered already");
        if (cluster.Nodes.Count >= MgmtdLimits.Nodes)
            return new Status(StatusCode.Overloaded, $"{MgmtdLimits.Nodes} nodes are registered, no more fit");
        return new Change<bool>(cluster.With(new NodeRecord(id, kind, "", 0, [], NodeRecord.NoTags)), true);
    }
}
