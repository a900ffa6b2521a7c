using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Hosting;
using ThreeFs.Kv.Transfer;

namespace ThreeFs.Cli.Dev;

/// <summary>
/// The keys of a local cluster in a store that is not in its directory, so that they do not go with
/// it.
/// </summary>
internal static class ClusterKeys
{
    public static async Task<Status> ClearAsync(LocalCluster cluster)
    {
        var plan = cluster.Plan;
        if (!KvStores.IsFoundationDb(plan.Kv)) return Status.Ok;
        var host = HostServices.ForProcess("down", LogLevel.Warning);
        var opened = await KvStores.OpenAsync(plan.Kv, plan.ClusterId, host, CancellationToken.None);
        if (!opened.TryGet(out var engine)) return Kept(cluster, opened.Status);
        await using var _ = engine;
        var cleared = await new KvWholeStore(engine, host.Time, host.NewRandom()).ClearAsync();
        return cleared.IsOk ? Status.Ok : Kept(cluster, cleared);
    }

    private static Status Kept(LocalCluster cluster, Status status) => new(
        status.Code,
        $"the cluster's metadata in the store cannot be removed, so its directory stays: {status.Message}; "
        + $"remove {cluster.Directory.Path} by hand to leave the keys of {cluster.Plan.ClusterId} where they are");
}
