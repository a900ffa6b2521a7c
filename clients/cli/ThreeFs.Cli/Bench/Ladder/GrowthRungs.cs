using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Cli.Dev;
using ThreeFs.Cli.Output;
using ThreeFs.Client;
using ThreeFs.Io;

namespace ThreeFs.Cli.Bench.Ladder;

/// <summary>
/// Whether the cost of an operation stays what it is as the work grows: the same operations, as many in flight, over
/// the same bytes, spread over more and more clients (each with its connections and a file) or over more and more files
/// of one client. Disposing removes the files.
/// </summary>
internal sealed class GrowthRungs(
    LocalCluster cluster, Func<ValueTask<Result<ThreeFsClient>>> connect, Reactor reactor, SeededRandom random)
    : IAsyncDisposable
{
    /// <summary>A multiple of 4 KiB for each file and for each lane of every load.</summary>
    private const long Bytes = 64_000 << 10;

    private static readonly (string Name, int Clients, int Files)[] _steps =
    [
        ("1 client, 1 file", 1, 1), ("8 clients", 8, 8), ("64 clients", 64, 64), ("100 files", 1, 100),
        ("1000 files", 1, 1000),
    ];

    private readonly BufferPool _pool = new(4 << 20);
    private readonly List<ThreeFsClient> _clients = [];
    private readonly List<IRung> _files = [];
    private readonly List<MeteredRung> _rungs = [];
    private LaneBuffers? _buffers;

    public static IReadOnlyList<Workload> Loads { get; } =
        [.. new[] { false, true }.Select(isWrite => LadderLoads.Of(isWrite, false, 4 << 10, 64))];

    public IReadOnlyList<MeteredRung> All => _rungs;

    public async ValueTask<Status> OpenAsync(CancellationToken ct)
    {
        _buffers = new LaneBuffers(_pool, Loads.Max(l => l.Size * l.Depth), random);
        foreach (var (name, clients, files) in _steps)
        {
            Say.Progress($"writes the files of {name}");
            while (_clients.Count < clients)
            {
                var connected = await connect();
                if (!connected.TryGet(out var client)) return connected.Status;
                _clients.Add(client);
            }

            var parts = new List<IRung>();
            for (var i = 0; i < files; i++)
            {
                ct.ThrowIfCancellationRequested();
                await reactor.SwitchTo();
                var opened = await ClusterRung.OpenAsync(
                    name, _clients[i % clients], $".threefs-ladder-{Environment.ProcessId}-{_files.Count}", false);
                if (!opened.TryGet(out var file)) return opened.Status;
                _files.Add(file);
                parts.Add(file);
                var filled = await FileFill.RunAsync(file, reactor, Bytes / files, _pool);
                if (!filled.IsOk) return filled;
            }

            var spread = new SpreadRung(name, parts, Bytes / files);
            var rung = new FileLadderRung(spread, Bytes, reactor, _buffers, random);
            _rungs.Add(new MeteredRung(rung, cluster, isMounted: false));
        }

        return Status.Ok;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var file in _files) await file.DisposeAsync();
        foreach (var client in _clients) await client.DisposeAsync();
        _buffers?.Dispose();
        _pool.Dispose();
    }
}
