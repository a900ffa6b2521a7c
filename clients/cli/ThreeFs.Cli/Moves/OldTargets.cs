using ThreeFs.Base;
using ThreeFs.Cli.Dev;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Cli.Moves;

/// <summary>Targets that no chain has any more and that still hold data.</summary>
internal static class OldTargets
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// Lets the target's server delete it; waits while the server has not heard that no chain has it.
    /// </summary>
    public static async Task<Status> DestroyAsync(ClusterView view, TargetId target, NodeId node, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(_patience);
        while (true)
        {
            var routing = view.Routing.Current;
            if (routing.Targets.TryGetValue(target, out var member))
                return new Status(
                    StatusCode.InvalidArgument,
                    $"target {target} is in chain {member.Chain}; remove or replace it there first");
            if (node.Value == 0)
                return new Status(StatusCode.NodeNotFound, $"no server is known to hold target {target}");
            var status = await view.Storage.Admin.DestroyTargetAsync(
                node, new DestroyTargetRequest(target, routing.Version), limit.Token);
            if (status.Code != StatusCode.Busy || limit.IsCancellationRequested) return status;
            await Task.WhenAny(Task.Delay(_pause, limit.Token));
        }
    }
}
