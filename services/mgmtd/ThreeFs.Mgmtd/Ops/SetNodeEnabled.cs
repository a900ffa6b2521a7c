using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Mgmtd.Records;
using ThreeFs.Mgmtd.State;

namespace ThreeFs.Mgmtd.Ops;

/// <summary>
/// Takes a node out of use or back into it. A disabled node's heartbeats are refused, so it fences itself, and its
/// targets are called dead after the failure timeout.
/// </summary>
internal static class SetNodeEnabled
{
    public static Result<Change<bool>> Apply(ClusterRecord cluster, NodeId self, NodeId id, bool enabled)
    {
        if (id == self)
            return new Status(StatusCode.InvalidArgument, $"node {id} is the primary mgmtd itself; stop it instead");
        var found = cluster.FindNode(id);
        if (!found.TryGet(out var node)) return found.Status;
        if (node.IsDisabled != enabled) return new Change<bool>(cluster, true);
        var tags = enabled ? node.Tags.Remove(NodeRecord.DisableTag) : node.Tags.Add(NodeRecord.DisableTag, "yes");
        return new Change<bool>(cluster.With(node with { Tags = tags }), true);
    }
}
