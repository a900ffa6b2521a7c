using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Cli.Dev;
using ThreeFs.Cli.Output;
using ThreeFs.Client;
using ThreeFs.Io;

namespace ThreeFs.Cli.Bench.Ladder;

/// <summary>
/// All rungs, from below, each with its file, written whole: fio and a raw file on the disk, the chunk engine, a chain
/// of one replica, a chain of several, a file of the client library, a ring and the mount. Disposing removes the files.
/// </summary>
/// <param name="cluster">The cluster with the replicas that production has, mounted.</param>
/// <param name="single">One whose chunks have one copy, for the rung below; null leaves that rung out.</param>
/// <param name="fileBytes">Of every rung's file, a power of two from 8 MiB.</param>
internal sealed class LadderRungs(
    (LocalCluster Cluster, ThreeFsClient Client) cluster, (LocalCluster Cluster, ThreeFsClient Client)? single,
    Reactor reactor, SeededRandom random, long fileBytes) : IAsyncDisposable
{
    private readonly List<MeteredRung> _rungs = [];
    private readonly List<IRung> _open = [];
    private readonly BufferPool _pool = new(LadderLoads.MaxInFlight + (1 << BufferPool.MaxShift));
    private RingLadderRung? _ring;
    private LaneBuffers? _buffers;

    public IReadOnlyList<MeteredRung> All => _rungs;

    public async ValueTask<Status> OpenAsync(CancellationToken ct)
    {
        _buffers = new LaneBuffers(_pool, LadderLoads.MaxInFlight, random);
        var name = $".threefs-ladder-{Environment.ProcessId}";
        var raw = Path.Combine(cluster.Cluster.Directory.Path, name);
        var onMount = Path.Combine(cluster.Cluster.Plan.Mount, name);
        var status = await AddAsync(() => new(FileRung.Open("raw", reactor, raw)), null, ct);
        if (!status.IsOk) return status;
        if (FioRung.IsInstalled()) _rungs.Insert(0, new MeteredRung(new FioRung(raw, fileBytes), null, false));
        else Say.Progress("there is no fio with io_uring here: without that rung");
        // No two lanes in a chunk: the engine leaves their order to its caller.
        var chunkSize = (int)Math.Min(cluster.Cluster.Plan.ChunkSize, fileBytes / LadderLoads.Depths.Max());
        status = await AddAsync(
            () => ChunkRung.OpenAsync(reactor, raw + "-target", (uint)chunkSize), null, ct, chunkSize);
        if (status.IsOk && single is { } one) status = await AddChainAsync(one, name, ct);
        if (status.IsOk) status = await AddChainAsync(cluster, name, ct);
        if (status.IsOk)
        {
            status = await AddAsync(
                () => ClusterRung.OpenAsync("file", cluster.Client, name + "-file", false), cluster.Cluster, ct);
        }

        if (status.IsOk)
        {
            status = await AddAsync(
                () => new(FileRung.Open("mount", reactor, onMount)), cluster.Cluster, ct, isMounted: true);
        }

        if (!status.IsOk) return status;
        _ring = new RingLadderRung(cluster.Cluster.Plan.Mount, onMount, fileBytes, random);
        _rungs.Insert(_rungs.Count - 1, new MeteredRung(_ring, cluster.Cluster, isMounted: true));
        return Status.Ok;
    }

    public async ValueTask DisposeAsync()
    {
        _ring?.Dispose();
        foreach (var rung in _open) await rung.DisposeAsync();
        _buffers?.Dispose();
        _pool.Dispose();
    }

    private ValueTask<Status> AddChainAsync(
        (LocalCluster Cluster, ThreeFsClient Client) of, string name, CancellationToken ct)
    {
        var plan = of.Cluster.Plan;
        return AddAsync(
            () => ClusterRung.OpenAsync($"chain×{plan.Replicas}", of.Client, $"{name}-chain", chunksDirectly: true),
            of.Cluster, ct, (int)plan.ChunkSize);
    }

    private async ValueTask<Status> AddAsync(
        Func<ValueTask<Result<IRung>>> open, LocalCluster? of, CancellationToken ct, int piece = int.MaxValue,
        bool isMounted = false)
    {
        ct.ThrowIfCancellationRequested();
        var opened = await open();
        if (!opened.TryGet(out var rung)) return opened.Status;
        _open.Add(rung);
        Say.Progress($"writes the file of rung {rung.Name}");
        var split = new SplitRung(rung, piece);
        var filled = await FileFill.RunAsync(split, reactor, fileBytes, _pool);
        if (!filled.IsOk) return filled;
        var added = new FileLadderRung(split, fileBytes, reactor, _buffers!, random);
        _rungs.Add(new MeteredRung(added, of, isMounted));
        return Status.Ok;
    }
}
