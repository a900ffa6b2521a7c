using System.CommandLine;
using System.Numerics;
using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Cli.Bench;
using ThreeFs.Cli.Bench.Ladder;
using ThreeFs.Cli.Dev;
using ThreeFs.Cli.Output;
using ThreeFs.Client;
using ThreeFs.Hosting;
using ThreeFs.Io;
using ThreeFs.Transport;

namespace ThreeFs.Cli.Commands;

/// <summary>
/// `threefs bench ladder`: every rung from the raw disk to the mount with reads and writes, random and sequential,
/// 4 KiB to 4 MiB, 1 to 128 in flight; `tests/bench/run` starts the clusters for it and keeps docs/performance.md.
/// </summary>
internal static class LadderCommand
{
    private const double MaxSeconds = 3600;

    private static readonly Option<string?> _dir = UpCommand.DirOption();
    private static readonly Option<string?> _single = PathOption.Create(
        "--single", "Directory of a second local cluster with --replicas 1, for the rung of one replica.");

    private static readonly Option<int> _rounds = new("--rounds")
    {
        Description = "Rounds over all rungs.", DefaultValueFactory = _ => 3,
    };

    private static readonly Option<double> _seconds = new("--seconds")
    {
        Description = "Time of one load on one rung.", DefaultValueFactory = _ => 0.25,
    };

    private static readonly Option<string> _load = new("--load")
    {
        Description = "Only loads whose name contains this, as in \"random read 4KiB\".", DefaultValueFactory = _ => "",
    };

    private static readonly Option<string?> _output = PathOption.Create(
        "--output", "Also write the results as a page (Markdown), with a chart and a CSV file beside it.");

    private static readonly Option<string> _fileSize = new("--file-size")
    {
        Description = "Bytes of every rung's file, a power of two.", DefaultValueFactory = _ => "512MiB",
    };

    private static readonly Option<bool> _growth = new("--growth")
    {
        Description = "Also measure what an operation costs with more clients and with more files.",
    };

    public static Command Create()
    {
        var command = new Command("ladder", "Measure every rung with every load; takes some minutes.")
        {
            _dir, _single, _rounds, _seconds, _load, _fileSize, _growth, _output,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(ParseResult parsed, CancellationToken ct)
    {
        var (rounds, seconds, output) =
            (parsed.GetValue(_rounds), parsed.GetValue(_seconds), parsed.GetValue(_output));
        var chosen = ChooseLoads(rounds, seconds, parsed.GetValue(_load)!);
        if (!chosen.TryGet(out var loads)) return Say.Failure(chosen.Status);
        var sized = FileBytes(parsed.GetValue(_fileSize)!, loads);
        if (!sized.TryGet(out var fileBytes)) return Say.Failure(sized.Status);
        var ready = CheckWritable(output);
        if (!ready.IsOk) return Say.Failure(ready);
        var opened = OpenMounted(ClusterDirectory.At(parsed.GetValue(_dir)));
        if (!opened.TryGet(out var cluster)) return Say.Failure(opened.Status);
        LocalCluster? lower = null;
        if (parsed.GetValue(_single) is { } single)
        {
            var second = OpenMounted(ClusterDirectory.At(single));
            if (!second.TryGet(out lower)) return Say.Failure(second.Status);
            if (lower.Plan.Replicas != 1)
            {
                return Say.Failure(new Status(
                    StatusCode.InvalidArgument,
                    $"--single {single}: chunks of that cluster have {lower.Plan.Replicas} copies, not one"));
            }
        }

        var host = HostServices.ForProcess("bench", LogLevel.Error);
        await using var reactor = Reactor.Start("bench").Value;
        await using var transport = HostTransport.Create([reactor], TransportChoice.Auto).Value;
        var connected = await ConnectAsync(cluster, transport, host, ct);
        if (!connected.TryGet(out var client)) return Say.Failure(connected.Status);
        await using var _ = client;
        var also = lower is null ? (Result<ThreeFsClient>?)null : await ConnectAsync(lower, transport, host, ct);
        if (also is { IsOk: false } lost) return Say.Failure(lost.Status);
        await using var below = also?.Value;

        return await reactor.InvokeAsync(async () =>
        {
            await using var rungs = new LadderRungs(
                (cluster, client), below is null ? null : (lower!, below), reactor, host.NewRandom(), fileBytes);
            var time = TimeSpan.FromSeconds(seconds);
            var status = await rungs.OpenAsync(ct);
            if (!status.IsOk) return Say.Failure(status);
            var climbed = await new LadderBench(rungs.All, reactor, rounds, time).RunAsync(loads, ct);
            if (!climbed.TryGet(out var ladder)) return Say.Failure(climbed.Status);
            Console.Write(LadderTables.Terminal(ladder));

            IReadOnlyList<LadderResult> growth = [];
            if (parsed.GetValue(_growth))
            {
                await using var steps = new GrowthRungs(
                    cluster, () => new(ConnectAsync(cluster, transport, host, ct)), reactor, host.NewRandom());
                status = await steps.OpenAsync(ct);
                if (!status.IsOk) return Say.Failure(status);
                var grown = await new LadderBench(steps.All, reactor, rounds, time).RunAsync(GrowthRungs.Loads, ct);
                if (!grown.TryGet(out growth!)) return Say.Failure(grown.Status);
                Console.Write(LadderTables.TerminalCpu(growth));
            }

            if (output is not null)
            {
                var how = $"{rounds} rounds of {seconds:0.###} s";
                status = new LadderPage(ladder, growth, how, host.Time.GetUtcNow()).Write(output);
            }

            return status.IsOk ? 0 : Say.Failure(status);
        });
    }

    private static Result<IReadOnlyList<Workload>> ChooseLoads(int rounds, double seconds, string name)
    {
        if (rounds is < 1 or > 1000 || seconds is not (>= 0.001 and <= MaxSeconds))
        {
            return new Status(
                StatusCode.InvalidArgument, $"--rounds is 1 to 1000, --seconds is 0.001 to {MaxSeconds}");
        }

        var loads = LadderLoads.All.Where(l => l.Name.Contains(name, StringComparison.OrdinalIgnoreCase)).ToArray();
        if (loads.Length > 0) return loads;
        return new Status(
            StatusCode.InvalidArgument, $"no load's name contains \"{name}\"; one is \"{LadderLoads.All[0].Name}\"");
    }

    /// <summary>
    /// A power of two, so that every lane of every load begins at a multiple of its operations' size; large enough
    /// that each has a place of its own.
    /// </summary>
    private static Result<long> FileBytes(string text, IReadOnlyList<Workload> loads)
    {
        var least = Math.Max(8 * ByteSize.MiB, loads.Max(l => (long)l.Size * l.Depth));
        if (ByteSize.TryParse(text, out var size) && BitOperations.IsPow2(size) && size >= least) return size.Bytes;
        return new Status(
            StatusCode.InvalidArgument,
            $"--file-size {text}: must be a power of two, at least {new ByteSize(least)} for these loads");
    }

    /// <summary>Before minutes of measuring, not after them.</summary>
    private static Status CheckWritable(string? output)
    {
        if (output is null) return Status.Ok;
        if (Path.GetExtension(output) is ".svg" or ".csv" || Directory.Exists(output))
        {
            return new Status(
                StatusCode.InvalidArgument, $"--output {output}: must name the page, as in performance.md");
        }

        var directory = Path.GetDirectoryName(Path.GetFullPath(output));
        return Directory.Exists(directory)
            ? Status.Ok
            : new Status(StatusCode.InvalidArgument, $"--output {output}: there is no directory {directory}");
    }

    private static Result<LocalCluster> OpenMounted(ClusterDirectory directory)
    {
        var opened = LocalCluster.Open(directory);
        if (!opened.TryGet(out var cluster) || cluster.Mount.Process.Pid is not null) return opened;
        return new Status(
            StatusCode.Unavailable,
            $"the cluster in {directory.Path} is not mounted; start it with: threefs up{directory.Argument}");
    }

    private static Task<Result<ThreeFsClient>> ConnectAsync(
        LocalCluster cluster, HostTransport transport, HostServices host, CancellationToken ct) =>
        ThreeFsClient.ConnectAsync(
            new ClientOptions
            {
                Mgmtd = [.. cluster.MgmtdAddresses], ClusterId = cluster.Plan.ClusterId,
                Description = "threefs bench ladder",
            },
            transport, host.Time, host.NewRandom(), host.Logs, ct);
}
