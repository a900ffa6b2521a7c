using System.Collections.Concurrent;
using Microsoft.Extensions.Time.Testing;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Client.Connections;
using ThreeFs.Client.Storage;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;
using ThreeFs.Transport;
using ThreeFs.Transport.InProc;

namespace ThreeFs.Client.Tests.Testing;

/// <summary>
/// Storage nodes over the in-process transport whose replicas are always in agreement, because a chain's chunks are one
/// dictionary. What a test varies: who is up, what routing says, and the faults of <see cref="FakeNode"/>. Virtual
/// time.
/// </summary>
internal sealed class FakeCluster : IAsyncDisposable
{
    private readonly Dictionary<uint, uint> _versions = [];
    private readonly Dictionary<uint, (uint Node, TargetState State)[]> _chains = [];
    private ulong _routingVersion;

    public FakeCluster(int nodes, int chains = 1, StorageClientOptions? options = null,
        ConnectionPoolOptions? connections = null)
    {
        SynchronizationContext.SetSynchronizationContext(null);
        Transport = new InProcTransport(Time);
        for (var i = 1u; i <= nodes; i++) Nodes.Add(new FakeNode(this, i));
        for (var c = 1u; c <= chains; c++)
        {
            _versions[c] = 1;
            _chains[c] = [.. Nodes.Select((_, i) => (Nodes[(i + (int)c - 1) % nodes].Id, TargetState.Serving))];
        }

        PublishRouting();
        Pool = new ConnectionPool(Transport, connections ?? new ConnectionPoolOptions(), Time, new SeededRandom(1));
        Client = new StorageClient(Pool, Routing, options
            ?? new StorageClientOptions(), new ClientId(new Guid(1, 2, 3, new byte[8])), Time, new SeededRandom(2));
    }

    public static readonly ChainId Chain = new(1);

    public FakeTimeProvider Time { get; } = new();
    public InProcTransport Transport { get; }
    public FakeRouting Routing { get; } = new();
    public ConnectionPool Pool { get; }
    public StorageClient Client { get; }
    public List<FakeNode> Nodes { get; } = [];
    public BufferPool Buffers { get; } = new(256 << 20);

    /// <summary>What every replica of a chain holds.</summary>
    public ConcurrentDictionary<(ChainId, ChunkId), byte[]> Chunks { get; } = new();

    /// <summary>What every replica remembers for exactly-once.</summary>
    public ConcurrentDictionary<(ClientId, ChannelId, ChainId), (
        ulong Sequence, UpdateResult Result)> Channels { get; } = new();

    /// <summary>Every request in order of execution.</summary>
    public ConcurrentQueue<SeenRequest> Seen { get; } = new();

    public Func<uint, NodeInfo> NodeOf { get; set; } = id => FakeRouting.Node(id);

    /// <summary>The file system under a node's only disk.</summary>
    public Func<uint, ulong> DeviceOf { get; set; } = id => id;

    public ChainVersion VersionOf(ChainId chain) => new(_versions[chain.Value]);

    /// <summary>The head of a chain by the newest truth, published or not.</summary>
    public uint HeadOf(ChainId chain) => _chains[chain.Value].First(t => t.State == TargetState.Serving).Node;

    /// <summary>What mgmtd does when a node dies: its targets go to the end, the chain version rises.</summary>
    public void TakeOut(FakeNode node, bool publish = true)
    {
        foreach (var (chain, targets) in _chains.ToArray())
        {
            _chains[chain] =
                [.. targets.Where(t => t.Node != node.Id),
                    .. targets.Where(t => t.Node == node.Id).Select(t => (t.Node, TargetState.Offline))];
            _versions[chain]++;
        }

        if (publish) PublishRouting();
    }

    public void RaiseVersions(bool publish)
    {
        foreach (var chain in _versions.Keys.ToArray()) _versions[chain]++;
        if (publish) PublishRouting();
    }

    public void PublishRouting()
    {
        var targets = new List<TargetInfo>();
        var chains = new List<ChainInfo>();
        foreach (var (chain, members) in _chains)
        {
            chains.Add(new ChainInfo(
                new ChainId(chain), new ChainVersion(_versions[chain]),
                [.. members.Select(m => new ChainTarget(TargetOf(chain, m.Node), m.State))], []));
            targets.AddRange(members.Select(m => new TargetInfo(
                TargetOf(chain,
                    m.Node), new ChainId(chain), m.State, LocalTargetState.UpToDate, new NodeId(m.Node), 0, 0, false)));
        }

        var table =
            new ChainTable(new ChainTableId(1), new ChainTableVersion(1),
                [.. _chains.Keys.Order().Select(c => new ChainId(c))], "");
        Routing.Current = new RoutingInfo(
            new RoutingVersion(++_routingVersion), Nodes.Select(n => NodeOf(n.Id)), chains, targets, [table]);
    }

    public static TargetId TargetOf(uint chain, uint node) => new(chain * 100 + node);

    /// <summary>Runs virtual time until the task ends, at most <paramref name="seconds"/> of it.</summary>
    public async Task<T> Run<T>(ValueTask<T> operation, double seconds = 200)
    {
        var task = operation.AsTask();
        for (var passed = 0.0; !task.IsCompleted; passed += 0.001)
        {
            Assert.True(passed < seconds, $"not finished after {seconds} s of virtual time");
            Time.Advance(TimeSpan.FromMilliseconds(1));
        }

        return await task;
    }

    public BufferLease Lease(ReadOnlySpan<byte> content, out IoMemory memory)
    {
        var lease = Buffers.TryRent(Math.Max(content.Length, 1))!;
        memory = lease.Memory.Slice(0, content.Length);
        content.CopyTo(memory.Span);
        return lease;
    }

    public static byte[] Bytes(int length, ulong seed)
    {
        var bytes = new byte[length];
        new SeededRandom(seed).NextBytes(bytes);
        return bytes;
    }

    public async ValueTask DisposeAsync()
    {
        await Pool.DisposeAsync();
        foreach (var node in Nodes)
        {
            node.Release();
            await node.StopAsync();
        }

        Assert.Equal(0, Buffers.Outstanding);
    }
}

/// <summary>A request as a node executed it.</summary>
internal sealed record SeenRequest(uint Node, StorageMethod Method, VersionedChain Chain, UpdateTag Tag, int Ops,
    int Bytes);
