using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Kv;
using ThreeFs.Mgmtd.Background;

namespace ThreeFs.Mgmtd.Tests.Support;

/// <summary>
/// A mgmtd without its loops: a test advances virtual time and calls each loop's step itself, so every run of a test is the same.
/// Everything completes on the caller's thread but the return from a commit, which the methods wait for.
/// </summary>
internal sealed class SimMgmtd : IAsyncDisposable
{
    private readonly LeaseLoop _lease;
    private readonly HeartbeatChecker _checker;
    private readonly ChainUpdater _updater;
    private readonly SessionPruner _pruner;

    public SimMgmtd(uint node, IKvEngine kv, TimeProvider time, MgmtdTiming? timing = null, bool allowUnknown = true, int pid = 0)
    {
        Endpoint = new ServiceEndpoint(EndpointKind.Grpc, "10.0.0." + node, 8000);
        Options = new MgmtdOptions("test", new NodeId(node), "host" + node, pid == 0 ? (int)node : pid, [Endpoint])
        {
            Timing = timing ?? new MgmtdTiming(),
            AllowUnknownNodes = allowUnknown,
        };
        Service = new MgmtdService(Options, kv, time, new SeededRandom(node), NullLoggerFactory.Instance);
        _lease = new LeaseLoop(Service.Core);
        _checker = new HeartbeatChecker(Service.Core);
        _updater = new ChainUpdater(Service.Core);
        _pruner = new SessionPruner(Service.Core);
    }

    public MgmtdOptions Options { get; }
    public ServiceEndpoint Endpoint { get; }
    public MgmtdService Service { get; }
    public bool IsPrimary => Service.IsPrimary;
    public RoutingInfo Routing => Service.Core.Board.Current;

    public async Task BeatAsync() => await _lease.StepAsync(default);

    /// <summary>Looks for the silent and decides about chains until there is nothing left to decide.</summary>
    public async Task SettleAsync()
    {
        await _checker.CheckAsync();
        await _pruner.PruneAsync();
        await UpdateChainsAsync();
    }

    public async Task UpdateChainsAsync()
    {
        for (var i = 0; i < 10; i++)
        {
            await _updater.RunOnceAsync(default);
            var left = Service.Core.Read(term => term.Dirty.Count);
            if (!left.IsOk || left.Value == 0) return;
        }

        Assert.Fail("chains do not come to rest");
    }

    public ValueTask DisposeAsync() => Service.DisposeAsync();
}

/// <summary>Virtual time, one store, and one mgmtd that is primary.</summary>
internal sealed class SimCluster : IAsyncDisposable
{
    private SimCluster()
    {
        Kv = new MemoryKvEngine(Time);
        Primary = new SimMgmtd(1, Kv, Time);
    }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    public MemoryKvEngine Kv { get; }
    public SimMgmtd Primary { get; }
    public MgmtdService Service => Primary.Service;

    public static async Task<SimCluster> StartAsync()
    {
        var cluster = new SimCluster();
        await cluster.Primary.BeatAsync();
        Assert.True(cluster.Primary.IsPrimary);
        return cluster;
    }

    /// <summary>Advances in steps shorter than every interval, with the primary's lease kept.</summary>
    public async Task PassAsync(TimeSpan time)
    {
        var step = TimeSpan.FromMilliseconds(100);
        for (var passed = TimeSpan.Zero; passed < time; passed += step)
        {
            Time.Advance(step);
            await Primary.BeatAsync();
            await Primary.SettleAsync();
        }
    }

    public Heartbeat Heartbeat(uint node, ulong sequence, params LocalTarget[] targets) => new(
        new NodeId(node), targets.Length > 0 ? NodeKind.Storage : NodeKind.Meta, "h" + node, (int)node,
        [new ServiceEndpoint(EndpointKind.Data, "10.1.0." + node, 9000)], sequence, Time.GetUtcNow(), 0, [.. targets], 1);

    public static LocalTarget Target(ulong id, LocalTargetState state, uint version) =>
        new(new TargetId(id), state, new ChainVersion(version), 0, 10, 100, false);

    public ChainInfo Chain(uint id) => Primary.Routing.Chains[new ChainId(id)];

    public ValueTask DisposeAsync() => Primary.DisposeAsync();
}

internal static class Expect
{
    public static T Ok<T>(Result<T> result)
    {
        Assert.True(result.IsOk, result.Status.ToString());
        return result.Value;
    }

    public static void Ok(Status status) => Assert.True(status.IsOk, status.ToString());

    public static void Fails(StatusCode code, Status status, string contains = "")
    {
        Assert.Equal(code, status.Code);
        Assert.Contains(contains, status.Message ?? "");
    }
}
