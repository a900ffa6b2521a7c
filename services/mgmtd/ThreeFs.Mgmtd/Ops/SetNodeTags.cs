using System.Collections.Immutable;
using System.Text;
using ThreeFs.Base;
using ThreeFs.Mgmtd.Records;
using ThreeFs.Mgmtd.State;

namespace ThreeFs.Mgmtd.Ops;

/// <summary>
/// Sets tags of a node, or removes those given with an empty value. The Disable tag is <see cref="SetNodeEnabled"/>'s.
/// </summary>
internal static class SetNodeTags
{
    public static Result<Change<bool>> Apply(
        ClusterRecord cluster, NodeId id, ImmutableSortedDictionary<string, string> tags)
    {
        var found = cluster.FindNode(id);
        if (!found.TryGet(out var node)) return found.Status;
        var next = node.Tags;
        foreach (var (key, value) in tags)
        {
            if (key.Length == 0) return new Status(StatusCode.InvalidArgument, "a tag's name is empty");
            if (key == NodeRecord.DisableTag)
                return new Status(StatusCode.InvalidArgument, "the Disable tag is set by disabling the node");
            if (Encoding.UTF8.GetByteCount(key) + Encoding.UTF8.GetByteCount(value) > MgmtdLimits.TagBytes)
                return new Status(
                    StatusCode.InvalidArgument,
                    $"tag \"{key[..Math.Min(key.Length, 40)]}\" is longer than {MgmtdLimits.TagBytes} bytes");
            next = value.Length == 0 ? next.Remove(key) : next.SetItem(key, value);
        }

        if (next.Count > MgmtdLimits.Tags)
            return new Status(StatusCode.InvalidArgument, $"node {id} would have more than {MgmtdLimits.Tags} tags");
        return new Change<bool>(
            next.SequenceEqual(node.Tags) ? cluster : cluster.With(node with { Tags = next }), true);
    }
}
