using ThreeFs.Base;
using ThreeFs.Cli.Admin;

namespace ThreeFs.Cli.Moves;

/// <summary>Marks a node as one that targets leave, for this command and for all others.</summary>
internal static class NodeTags
{
    /// <param name="value">Empty: not any more.</param>
    public static async Task<Status> SetAsync(AdminCall call, NodeId node, string value)
    {
        var tags = System.Collections.Immutable.ImmutableSortedDictionary<string, string>.Empty.Add(
            ClusterSurvey.DrainTag, value);
        var status = await call.View.Mgmtd.SetNodeTagsAsync(call.ClusterId, node, tags, call.Ct);
        if (!status.IsOk) return status;
        var known = await call.View.Routing.WaitFor(
            r => r.Nodes.TryGetValue(node, out var n) && ClusterSurvey.IsDraining(n) == (value.Length > 0), call.Ct);
        return known.Status;
    }
}
