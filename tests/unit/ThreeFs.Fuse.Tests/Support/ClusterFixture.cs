using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Fuse.Cluster;
using ThreeFs.Fuse.Session;
using ThreeFs.Kv;
using ThreeFs.Meta;

namespace ThreeFs.Fuse.Tests.Support;

/// <summary>A cluster in this process: the real metadata service on the in-memory store, and storage that keeps bytes in memory.</summary>
internal sealed class ClusterFixture : IRoutingSource
{
    private const int Chains = 4;

    private readonly SeededRandom _random = new(7);

    private ClusterFixture()
    {
        var chains = Enumerable.Range(1, Chains).Select(i => new ChainId((uint)i)).ToArray();
        Current = new RoutingInfo(
            new RoutingVersion(1), [], [], [], [new ChainTable(new ChainTableId(1), new ChainTableVersion(1), [.. chains], "")]);
        Meta = new MetaService(
            new MemoryKvEngine(TimeProvider.System), Contents, this,
            new MetaServiceOptions { GarbageDelay = TimeSpan.Zero }, TimeProvider.System, _random.Fork());
    }

    public FakeContents Contents { get; } = new();
    public MetaService Meta { get; }
    public RoutingInfo Current { get; }

    public void RequestRefresh()
    {
    }

    public static async Task<ClusterFixture> CreateAsync()
    {
        var cluster = new ClusterFixture();
        (await cluster.Meta.InitializeAsync(default)).ThrowIfFailed();
        return cluster;
    }

    /// <summary>One more client of the cluster.</summary>
    public ClusterMount Mount(ClusterOptions? options = null)
    {
        var log = new RecordingLogger();
        var context = new ClusterContext(
            Meta, Contents, new ClientId(_random.NextGuid()), options ?? new ClusterOptions(), TimeProvider.System, log);
        var fs = new ClusterFileSystem(context);
        return new ClusterMount(context, fs, MountFixture.Start(fs, fs, log, new FuseSessionOptions()));
    }

    public async Task<int> CollectGarbageAsync()
    {
        var removed = 0;
        while (true)
        {
            var round = (await Meta.Garbage.RunRoundAsync(default)).Value;
            removed += round.Removed;
            if (round is { Removed: 0, More: false }) return removed;
        }
    }
}

internal sealed record ClusterMount(ClusterContext Context, ClusterFileSystem FileSystem, MountFixture Mount) : IAsyncDisposable
{
    public string At(params string[] parts) => Mount.At(parts);

    public ValueTask DisposeAsync() => Mount.DisposeAsync();
}
