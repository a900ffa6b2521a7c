using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Contracts.Routing;
using ThreeFs.Fuse.Cluster;
using ThreeFs.Fuse.Rings;
using ThreeFs.Fuse.Session;
using ThreeFs.Fuse.Virtual;
using ThreeFs.Kv;
using ThreeFs.Meta;

namespace ThreeFs.Fuse.Tests.Support;

/// <summary>
/// A cluster in this process: the real metadata service on the in-memory store, and storage that keeps bytes in memory.
/// </summary>
internal sealed class ClusterFixture : IRoutingSource
{
    private const int Chains = 4;

    private static readonly TimeSpan _garbageDelay = TimeSpan.FromMinutes(1);

    private readonly SeededRandom _random = new(7);
    private readonly ShiftedClock _clock = new();

    private ClusterFixture()
    {
        var chains = Enumerable.Range(1, Chains).Select(i => new ChainId((uint)i)).ToArray();
        Current = new RoutingInfo(
            new RoutingVersion(1), [], [], [],
                [new ChainTable(new ChainTableId(1), new ChainTableVersion(1), [.. chains], "")]);
        Meta = new MetaService(
            new MemoryKvEngine(TimeProvider.System), Contents, this,
                new MetaServiceOptions { GarbageDelay = _garbageDelay }, _clock,
            _random.Fork());
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
    /// <param name="meta">Stands between the client and the metadata service.</param>
    public ClusterMount Mount(ClusterOptions? options = null, IMetaService? meta = null,
        FuseSessionOptions? session = null)
    {
        var log = new RecordingLogger();
        var context = new ClusterContext(
            meta ?? Meta, Contents, new ClientId(_random.NextGuid()), options ?? new ClusterOptions(), TimeProvider.System,
                log);
        var fs = new ClusterFileSystem(context);
        return new ClusterMount(context, fs, MountFixture.Start(
            fs, fs, log, (session ?? new FuseSessionOptions()) with { Locks = true }));
    }

    /// <summary>The same with the virtual tree, over files that rings do not find.</summary>
    public ClusterMount MountWithVirtualTree(ClusterOptions options, FuseSessionOptions? session = null, bool isReadOnly = false)
    {
        var log = new RecordingLogger();
        var context = new ClusterContext(
            Meta, Contents, new ClientId(_random.NextGuid()), options, TimeProvider.System, log);
        var fs = new ClusterFileSystem(context);
        var registry = IovRegistry.Start(
            new RingWorld(NoRingFiles, new BufferTable(), TimeProvider.System, log, isReadOnly));
        return new ClusterMount(context, fs, MountFixture.Start(
            root => new VirtualFileSystem(
                fs, fs.Direct, registry.Value, new ControlCalls("test", root), new NameCalls(fs.Direct, isReadOnly),
                new MountPaths(root), log),
            new Both(registry.Value, fs), log, session ?? new FuseSessionOptions()));
    }

    private sealed class Both(IovRegistry registry, ClusterFileSystem fileSystem) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            registry.Dispose();
            return fileSystem.DisposeAsync();
        }
    }

    public static IRingFiles NoRingFiles { get; } = new NoFiles();

    private sealed class NoFiles : IRingFiles
    {
        public IRingFile? Find(ulong inode, uint uid, bool forRead) => null;

        public IRingReads NewReads(UsrbIo.RingFlags flags) => throw new NotSupportedException("there are no files");
    }

    /// <summary>
    /// Collects what is due when everything removed until now has waited long enough; how many files that were.
    /// </summary>
    public async Task<int> CollectGarbageAsync()
    {
        _clock.Shift += 2 * _garbageDelay;
        var removed = 0;
        while (true)
        {
            var round = (await Meta.Garbage.RunRoundAsync(default)).Value;
            removed += round.Removed;
            if (round is { Removed: 0, More: false }) return removed;
        }
    }
}

/// <summary>The system's clock, moved ahead; timers keep real time.</summary>
internal sealed class ShiftedClock : TimeProvider
{
    public TimeSpan Shift { get; set; }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Shift;
}

internal sealed record ClusterMount(ClusterContext Context, ClusterFileSystem FileSystem,
    MountFixture Mount) : IAsyncDisposable
{
    public string At(params string[] parts) => Mount.At(parts);

    /// <summary>
    /// Waits until every request has its reply and no file is open: the kernel does not wait for RELEASE, so close(2)
    /// returns before the handle is gone.
    /// </summary>
    public async Task SettleAsync()
    {
        for (var i = 0; i < 3000 && Context.Files.Count + Mount.Session.InFlight > 0; i++) await Task.Delay(10);
        Assert.Equal(0, Context.Files.Count);
        Assert.Equal(0, Mount.Session.InFlight);
    }

    public ValueTask DisposeAsync() => Mount.DisposeAsync();
}
