using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Client.Storage;

/// <summary>Space of a cluster, bytes: the sum over its disks, each counted once however many nodes keep targets on it.</summary>
/// <param name="CapacityBytes">Of the disks, whoever uses them.</param>
/// <param name="FreeBytes">What chunks can still take, all replicas together.</param>
/// <param name="UsedBytes">What chunks take, all replicas together.</param>
/// <param name="Replicas">Targets that an average chain is meant to have, so how often each byte is kept.</param>
public sealed record ClusterSpace(long CapacityBytes, long FreeBytes, long UsedBytes, double Replicas)
{
    /// <summary>
    /// What files can hold: every byte costs <see cref="Replicas"/> bytes of disk. What others keep on the disks is not part of it, so the
    /// capacity is what chunks use and what they can still take.
    /// </summary>
    public (long CapacityBytes, long FreeBytes, long UsedBytes) Usable
    {
        get
        {
            var (free, used) = ((long)(FreeBytes / Replicas), (long)(UsedBytes / Replicas));
            return (free + used, free, used);
        }
    }

    /// <summary>Asks every active storage node, all at the same time. Those that do not answer are left out; fails when none does.</summary>
    public static async ValueTask<Result<ClusterSpace>> AskAsync(StorageAdmin admin, RoutingInfo routing, CancellationToken ct)
    {
        var asked = routing.Nodes.Values.Where(n => n.Kind == NodeKind.Storage && n.IsActive)
            .Select(n => admin.SpaceInfoAsync(n.Id, ct).AsTask()).ToArray();
        var disks = new List<DiskSpace>();
        var last = new Status(StatusCode.Unavailable, "no storage node is active");
        var answered = false;
        foreach (var answer in asked)
        {
            var space = await answer;
            if (space.TryGet(out var ofNode)) disks.AddRange(ofNode);
            else last = space.Status;
            answered |= space.IsOk;
        }

        return answered ? Sum(disks, routing) : last;
    }

    private static ClusterSpace Sum(List<DiskSpace> disks, RoutingInfo routing)
    {
        long capacity = 0, free = 0;
        foreach (var device in disks.GroupBy(d => d.DeviceId))
        {
            capacity += device.Max(d => d.CapacityBytes);
            free += device.Min(d => d.FreeBytes);
        }

        var chains = routing.Chains.Values.Where(c => c.Targets.Length > 0).ToArray();
        var replicas = chains.Length == 0 ? 1 : chains.Average(c => c.Replicas);
        return new ClusterSpace(capacity, free, disks.Sum(d => d.UsedBytes), replicas);
    }
}
