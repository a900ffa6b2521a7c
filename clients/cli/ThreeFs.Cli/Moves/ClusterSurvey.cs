using ThreeFs.Base;
using ThreeFs.Cli.Admin;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;
using ThreeFs.Placement;

namespace ThreeFs.Cli.Moves;

/// <summary>
/// The disks that may get targets and what is on them: of every storage server that is up, not disabled,
/// and not being drained.
/// </summary>
internal sealed record ClusterSurvey(IReadOnlyList<StorageDisk> Disks, IReadOnlyDictionary<NodeId, TargetReport[]> Held)
{
    /// <summary>Node tag: targets leave it, and none is to be put there.</summary>
    public const string DrainTag = "Draining";

    public static bool IsDraining(NodeInfo node) => node.Tags.ContainsKey(DrainTag);

    public static async Task<Result<ClusterSurvey>> AskAsync(AdminCall call)
    {
        var disks = new List<StorageDisk>();
        var held = new Dictionary<NodeId, TargetReport[]>();
        var alive = call.Routing.Nodes.Values
            .Where(n => n is { Kind: NodeKind.Storage, IsActive: true } && !IsDraining(n));
        foreach (var node in alive.OrderBy(n => n.Id))
        {
            var space = await call.View.Storage.Admin.SpaceInfoAsync(node.Id, call.Ct);
            if (!space.TryGet(out var found)) return Failed(node.Id, space.Status);
            disks.AddRange(found.Select(d => new StorageDisk(node.Id, d.DiskIndex, d.FreeBytes)));
            var listed = await call.View.Storage.Admin.ListTargetsAsync(node.Id, call.Ct);
            if (!listed.TryGet(out var targets)) return Failed(node.Id, listed.Status);
            held.Add(node.Id, [.. targets]);
        }

        return new ClusterSurvey(disks, held);
    }

    private static Status Failed(NodeId node, Status why) =>
        new(
            why.Code,
            $"cannot ask storage server {node} for its disks and targets: {why.Message ?? why.Code.ToString()}");
}
