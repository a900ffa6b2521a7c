using System.Collections.Concurrent;
using ThreeFs.FdbStandIn;
using ThreeFs.Kv;
using ThreeFs.Kv.FoundationDb;

namespace ThreeFs.FoundationDb.Tests.Support;

/// <summary>
/// The database of this run: that of the cluster file in THREEFS_FDB_CLUSTER_FILE, reached by the system's client
/// library or the one that THREEFS_FDB_LIBRARY names; without it, the stand-in. Every store has keys of its own in it,
/// which are removed at the end.
/// </summary>
internal static class TestDatabase
{
    private static readonly string? _server = Environment.GetEnvironmentVariable("THREEFS_FDB_CLUSTER_FILE");
    private static readonly string? _library = Environment.GetEnvironmentVariable("THREEFS_FDB_LIBRARY");
    private static readonly Lazy<StandInCluster> _standIn = new(MakeStandIn);
    private static readonly ConcurrentQueue<FdbKvEngine> _used = new();

    // Before the first store is opened, so that it runs before the network is stopped.
    static TestDatabase() => AppDomain.CurrentDomain.ProcessExit += (_, _) => RemoveKeysAsync().GetAwaiter().GetResult();

    public static async Task<FdbKvEngine> OpenAsync(TimeProvider time)
    {
        var options = _server is null
            ? _standIn.Value.Options
            : new FdbKvOptions { ClusterFile = _server, ClusterId = "", Library = _library };
        options = options with { ClusterId = $"test-{Guid.NewGuid():n}" };
        var opened = await FdbKvEngine.OpenAsync(options, time);
        opened.Status.ThrowIfFailed();
        _used.Enqueue(opened.Value);
        return opened.Value;
    }

    /// <summary>The stand-in notices what would be undefined behaviour in the real library.</summary>
    public static void AssertNoRuleIsBroken()
    {
        if (_server is null) Assert.True(StandIn.Violations == 0, StandIn.FirstViolation);
    }

    private static async Task RemoveKeysAsync(FdbKvEngine engine)
    {
        using var transaction = engine.BeginTransaction();
        transaction.ClearRange([], KvKeys.End);
        (await transaction.CommitAsync()).ThrowIfFailed();
    }

    private static async Task RemoveKeysAsync()
    {
        if (_server is null) return;
        foreach (var engine in _used) await RemoveKeysAsync(engine);
    }

    private static StandInCluster MakeStandIn()
    {
        var cluster = new StandInCluster();
        StandIn.SetDelays(seed: 11, maxMicros: 100, readyPercent: 10);
        StandIn.SetCuts(10);
        return cluster;
    }
}
