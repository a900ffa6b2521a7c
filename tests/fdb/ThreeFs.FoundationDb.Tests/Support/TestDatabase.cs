using ThreeFs.FdbStandIn;
using ThreeFs.Kv;
using ThreeFs.Kv.FoundationDb;
using ThreeFs.Kv.FoundationDb.Binding;
using ThreeFs.Kv.FoundationDb.Native;

namespace ThreeFs.FoundationDb.Tests.Support;

/// <summary>
/// The database of this run: that of the cluster file in THREEFS_FDB_CLUSTER_FILE, reached by the system's client library
/// or the one that THREEFS_FDB_LIBRARY names; without it, the stand-in. Every store has keys of its own, of a cluster named
/// test-…; those of earlier runs are removed at the start, so one run at a time uses a database.
/// </summary>
internal static class TestDatabase
{
    private const string Name = "test-";

    private static readonly string? _server = Environment.GetEnvironmentVariable("THREEFS_FDB_CLUSTER_FILE");
    private static readonly string? _library = Environment.GetEnvironmentVariable("THREEFS_FDB_LIBRARY");
    private static readonly Lazy<StandInCluster> _standIn = new(MakeStandIn);
    private static readonly Lazy<Task> _cleaned = new(CleanAsync);

    public static async Task<FdbKvEngine> OpenAsync(TimeProvider time)
    {
        await _cleaned.Value;
        return await OpenAsync($"{Name}{Guid.NewGuid():n}", time);
    }

    /// <summary>The stand-in notices what would be undefined behaviour in the real library.</summary>
    public static void AssertNoRuleIsBroken()
    {
        if (_server is null) Assert.True(StandIn.Violations == 0, StandIn.FirstViolation);
    }

    private static async Task<FdbKvEngine> OpenAsync(string clusterId, TimeProvider time)
    {
        var options = _server is null
            ? _standIn.Value.Options
            : new FdbKvOptions { ClusterFile = _server, ClusterId = "", Library = _library };
        var opened = await FdbKvEngine.OpenAsync(options with { ClusterId = clusterId }, time);
        opened.Status.ThrowIfFailed();
        return opened.Value;
    }

    private static async Task CleanAsync()
    {
        if (_server is null) return;

        // Opening an engine loads the library and starts its network.
        await using var engine = await OpenAsync(Name, TimeProvider.System);
        using var database = FdbDatabase.Open(_server).Value;
        using var transaction = database.BeginTransaction();
        var begin = Subspace.Of(Name).Value.Prefix[..^1].ToArray();
        transaction.ClearRange(begin, KvKeys.PrefixEnd(begin));
        Assert.Equal(FdbError.Success, await transaction.CommitAsync());
    }

    private static StandInCluster MakeStandIn()
    {
        var cluster = new StandInCluster();
        StandIn.SetDelays(seed: 11, maxMicros: 100, readyPercent: 10);
        StandIn.SetCuts(10);
        return cluster;
    }
}
