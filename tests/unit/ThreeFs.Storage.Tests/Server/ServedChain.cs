using System.Collections.Immutable;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;
using ThreeFs.Hosting;
using ThreeFs.Hosting.Web;
using ThreeFs.Io;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.Server;
using ThreeFs.Storage.Server.BlockDevice;
using ThreeFs.Storage.Targets;
using ThreeFs.Transport;

namespace ThreeFs.Storage.Tests.Server;

/// <summary>
/// One chain of real storage servers in this process, each with a disk directory, a reactor and a port of its own, and
/// a client's connection to its head.
/// </summary>
/// <remarks>
/// The servers' control plane (heartbeats, gauges, routing) lives on a clock that stands still while the chain is used:
/// what the process does then, it does for the requests. Reactors, and with them maintenance and folding, keep real
/// time.
/// </remarks>
internal sealed class ServedChain : IAsyncDisposable
{
    public static readonly VersionedChain Chain = new(new ChainId(1), new ChainVersion(2));

    private readonly int _reactors;
    private readonly HostTransport _transport;
    private readonly string _root = Directory.CreateTempSubdirectory("threefs-chain-").FullName;
    private readonly FakeTimeProvider _time = new();
    private readonly List<StorageServer> _servers = [];
    private WebHost _mgmtd = null!;

    private ServedChain(int reactors, TransportChoice transport)
    {
        _reactors = reactors;
        _transport = HostTransport.Create([Reactor], transport).Value;
    }

    /// <summary>The client's thread.</summary>
    public Reactor Reactor { get; } = Reactor.Start("chain-client").Value;

    public IConnection Head { get; private set; } = null!;

    /// <summary>The routing that the targets act on.</summary>
    public RoutingInfo Routing { get; private set; } = RoutingInfo.Empty;

    public IEnumerable<Replica> Replicas => _servers.Select(s => s.Replicas.All[0]);

    public static async Task<ServedChain> StartAsync(
        int replicas, int reactors, TransportChoice transport = TransportChoice.Tcp)
    {
        var chain = new ServedChain(reactors, transport);
        chain._mgmtd = await LeaseGiver.StartAsync(chain.HostOf(0));
        for (uint node = 1; node <= replicas; node++) chain._servers.Add(await chain.StartServerAsync(node));
        foreach (var replica in chain.Replicas)
        {
            while (!replica.Services.Lease.IsHeld) await Task.Yield();
        }

        // A target vouches for its content when it was the last one serving and serves again: here each of them.
        await chain.ApplyAsync(TargetState.LastServing, 1);
        await chain.ApplyAsync(TargetState.Serving, 2);
        chain.Head = await chain.Reactor.InvokeAsync(async () => (await chain._transport
            .ConnectAsync(Endpoint.Tcp("127.0.0.1", chain._servers[0].DataPort))).Value);
        return chain;
    }

    private HostServices HostOf(uint node) => new($"node-{node}", NullLoggerFactory.Instance, _time, node);

    private async Task<StorageServer> StartServerAsync(uint node)
    {
        var disk = Directory.CreateDirectory(Path.Combine(_root, $"disk-{node}")).FullName;
        await CreateTargetAsync(Path.Combine(disk, $"target-{node}"), new TargetIdentity(new TargetId(node), Chain.Id));
        var config = new StorageConfig
        {
            NodeId = node, Mgmtd = [$"127.0.0.1:{_mgmtd.GrpcPort}"], DataPaths = [disk], Reactors = _reactors,
        };
        return (await StorageServer.StartAsync(config, HostOf(node), default)).Value;
    }

    private Task CreateTargetAsync(string directory, TargetIdentity identity) => Reactor.InvokeAsync(async () =>
    {
        var store = (await TargetDirectory.CreateAsync(Reactor, directory, identity, new ChunkStoreOptions())).Value;
        await store.DisposeAsync();
    });

    private async Task ApplyAsync(TargetState state, uint version)
    {
        var ids = Replicas.Select(r => r.Target).ToImmutableArray();
        var chain = new ChainInfo(
            Chain.Id, new ChainVersion(version), [.. ids.Select(id => new ChainTarget(id, state))], []);
        var nodes = _servers.Select((s, i) => new NodeInfo(
            new NodeId((uint)i + 1), NodeKind.Storage, "here", 1,
            [new ServiceEndpoint(EndpointKind.Data, "127.0.0.1", s.DataPort)], NodeState.Connected, default,
            ImmutableSortedDictionary<string, string>.Empty));
        var targets = ids.Select((id, i) => new TargetInfo(
            id, Chain.Id, state, LocalTargetState.UpToDate, new NodeId((uint)i + 1), 0, 0, false));
        var routing = Routing = new RoutingInfo(new RoutingVersion(version), nodes, [chain], targets, []);
        foreach (var replica in Replicas)
        {
            var applied = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            replica.Services.Executor.Post(
                _ =>
                {
                    replica.Apply(routing);
                    applied.SetResult();
                },
                null);
            await applied.Task;
        }
    }

    /// <summary>Bytes that the targets' reactors have allocated on the managed heap so far.</summary>
    public async Task<long> ReactorAllocationsAsync()
    {
        var sum = 0L;
        foreach (var executor in Replicas.Select(r => r.Services.Executor))
        {
            var bytes = new TaskCompletionSource<long>(TaskCreationOptions.RunContinuationsAsynchronously);
            executor.Post(_ => bytes.SetResult(GC.GetAllocatedBytesForCurrentThread()), null);
            sum += await bytes.Task;
        }

        return sum;
    }

    public async ValueTask DisposeAsync()
    {
        await Reactor.InvokeAsync(() => Head.DisposeAsync());
        var closing = Task.WhenAll(_servers.Select(s => s.DisposeAsync().AsTask()));
        while (!closing.IsCompleted)
        {
            // A server that stops says goodbye on its control plane's clock.
            _time.Advance(TimeSpan.FromMilliseconds(50));
            await Task.Yield();
        }

        await closing;
        await _mgmtd.DisposeAsync();
        await _transport.DisposeAsync();
        await Reactor.DisposeAsync();
        Directory.Delete(_root, recursive: true);
    }
}
