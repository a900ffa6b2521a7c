using System.Collections.Immutable;
using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using ThreeFs.Base;
using ThreeFs.Client.Mgmtd;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Hosting;
using ThreeFs.Mgmtd.Server;
using ThreeFs.Mgmtd.Tests.Support;

namespace ThreeFs.Mgmtd.Tests.Server;

/// <summary>Real servers on the real clock and the embedded store: that the parts are put together, not how they decide.</summary>
public sealed class MgmtdServerTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("threefs-mgmtd-").FullName;
    private readonly CancellationTokenSource _limit = new(TimeSpan.FromSeconds(60));

    public void Dispose()
    {
        Directory.Delete(_directory, recursive: true);
        _limit.Dispose();
    }

    [Fact]
    public async Task Two_servers_on_one_store_serve_a_cluster_through_the_loss_of_the_primary()
    {
        var ports = FreePorts(2);
        var first = await StartAsync(1, ports);
        await using var second = await StartAsync(2, ports);
        using var client = new MgmtdClient(new MgmtdClientOptions([.. ports.Select(p => $"127.0.0.1:{p}")]), TimeProvider.System);
        await using var routing = new RoutingCache(client, "threefs", TimeProvider.System, NullLoggerFactory.Instance);
        routing.Start();

        Expect.Ok(await client.SetChainsAsync("threefs", [new ChainSetting(new ChainId(1), [new TargetId(11)], [])], _limit.Token));
        var before = Expect.Ok(await routing.WaitFor(r => r.Chains.Count == 1, _limit.Token));

        var state = (Local: LocalTargetState.Online, Acted: default(ChainVersion));
        await using var storage = new HeartbeatLoop(
            new HeartbeatOptions("threefs", new NodeId(7), NodeKind.Storage, "h", 1, [new ServiceEndpoint(EndpointKind.Data, "127.0.0.1", 1)])
            {
                CollectTargets = () => new(ImmutableArray.Create(new LocalTarget(new TargetId(11), state.Local, state.Acted, 0, 1, 2, false))),
            },
            client, TimeProvider.System, NullLoggerFactory.Instance);
        routing.Changed += r =>
        {
            var chain = r.Chains[new ChainId(1)];
            state = (chain.Targets[0].State == TargetState.Serving ? LocalTargetState.UpToDate : LocalTargetState.Online, chain.Version);
            storage.Kick();
        };
        state.Acted = new ChainVersion(1);
        storage.Start();
        var serving = Expect.Ok(await routing.WaitFor(r => r.Chains[new ChainId(1)].Targets[0].State == TargetState.Serving, _limit.Token));
        Assert.Equal(NodeState.Connected, serving.NodeOf(new TargetId(11))!.State);
        Assert.True(storage.HasLease);

        var primary = Expect.Ok(await client.GetPrimaryAsync("threefs", _limit.Token))!.Id;
        if (primary == new NodeId(1)) await first.DisposeAsync();
        Assert.Equal(new NodeId(1), primary);
        var after = Expect.Ok(await routing.WaitFor(r => r.Nodes[new NodeId(2)].State == NodeState.PrimaryMgmtd, _limit.Token));
        Assert.True(after.Version > serving.Version && serving.Version > before.Version);
        Assert.Equal(TargetState.Serving, after.Chains[new ChainId(1)].Targets[0].State);
        var beats = storage.Accepted;
        Expect.Ok(await routing.WaitFor(r => r.Nodes[new NodeId(7)].State == NodeState.Connected, _limit.Token));
        Assert.True(storage.Accepted >= beats);
        Expect.Ok(await client.SetConfigAsync("threefs", NodeKind.Meta, "a = 1", "", _limit.Token));
    }

    [Fact]
    public async Task Metrics_and_health_are_served()
    {
        var host = Host(1);
        await using var server = Expect.Ok(await MgmtdServer.StartAsync(Config(1, FreePorts(1)), host, _limit.Token));
        using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{server.HttpPort}") };
        while ((await http.GetAsync("/healthz", _limit.Token)).StatusCode != HttpStatusCode.OK) await Task.Delay(20, _limit.Token);
        var metrics = "";
        while (!metrics.Contains("\nthreefs_mgmtd_primary 1\n"))
        {
            metrics = await http.GetStringAsync("/metrics", _limit.Token);
            await Task.Delay(20, _limit.Token);
        }

        Assert.Contains("threefs_mgmtd_nodes{kind=\"mgmtd\",state=\"primary_mgmtd\"} 1", metrics);
        Assert.Contains("threefs_mgmtd_chains{state=\"full\"}", metrics);
    }

    [Fact]
    public async Task Wrong_configurations_name_the_key()
    {
        foreach (var (config, key) in new (MgmtdConfig, string)[]
        {
            (new MgmtdConfig { Kv = "lmdb:/x" }, "node_id"),
            (new MgmtdConfig { NodeId = 1 }, "kv"),
            (new MgmtdConfig { NodeId = 1, Kv = "oracle:/x" }, "kv"),
            (new MgmtdConfig { NodeId = 1, Kv = "lmdb:/x", Host = "nowhere" }, "host"),
            (new MgmtdConfig { NodeId = 1, Kv = "lmdb:/x", GrpcPort = 70000 }, "grpc_port"),
            (new MgmtdConfig { NodeId = 1, Kv = "lmdb:/x", NodeLease = TimeSpan.FromSeconds(3) }, "node_lease"),
            (new MgmtdConfig { NodeId = 1, Kv = "lmdb:/x", Mgmtd = ["nonsense"] }, "mgmtd"),
        })
        {
            var started = await MgmtdServer.StartAsync(config, Host(1), _limit.Token);
            Expect.Fails(StatusCode.InvalidArgument, started.Status, key);
        }
    }

    [Fact]
    public async Task A_port_in_use_is_named()
    {
        var ports = FreePorts(1);
        await using var first = await StartAsync(1, ports);
        var config = Config(2, ports);
        var second = await MgmtdServer.StartAsync(config, Host(2), _limit.Token);
        Expect.Fails(StatusCode.Busy, second.Status, $"{ports[0]}");
    }

    private async Task<MgmtdServer> StartAsync(uint node, int[] ports)
    {
        var server = Expect.Ok(await MgmtdServer.StartAsync(Config(node, ports), Host(node), _limit.Token));
        while (node == 1 && !server.IsPrimary) await Task.Delay(10, _limit.Token);
        return server;
    }

    private MgmtdConfig Config(uint node, int[] ports) => new()
    {
        NodeId = node,
        Kv = $"lmdb:{_directory}",
        GrpcPort = ports[(node - 1) % ports.Length],
        Mgmtd = [.. ports.Select(p => $"127.0.0.1:{p}")],
    };

    private static HostServices Host(uint node) => new($"mgmtd-{node}", NullLoggerFactory.Instance, TimeProvider.System, node);

    private static int[] FreePorts(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0)).ToArray();
        foreach (var listener in listeners) listener.Start();
        var ports = listeners.Select(l => ((IPEndPoint)l.LocalEndpoint).Port).ToArray();
        foreach (var listener in listeners) listener.Stop();
        return ports;
    }
}
