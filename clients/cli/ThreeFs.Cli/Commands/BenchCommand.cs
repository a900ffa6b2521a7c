using System.CommandLine;
using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Cli.Bench;
using ThreeFs.Cli.Dev;
using ThreeFs.Cli.Output;
using ThreeFs.Client;
using ThreeFs.Hosting;
using ThreeFs.Io;
using ThreeFs.Transport;

namespace ThreeFs.Cli.Commands;

/// <summary>
/// `threefs bench`: the same operations on the raw disk, in the chunk engine, on a chain (over TCP, then as this
/// host's processes speak to each other), on a file and through the mount of a running local cluster. Rungs take
/// turns, round by round, because a shared disk's speed changes by the minute; the table shows medians and, in
/// brackets, their ratio to the raw disk; a second one the processor time.
/// </summary>
internal static class BenchCommand
{
    private const long FileBytes = 64 << 20;

    public static Command Create()
    {
        var dir = UpCommand.DirOption();
        var rounds = new Option<int>("--rounds")
        {
            Description = "Rounds over all rungs; medians are shown.", DefaultValueFactory = _ => 5,
        };
        var seconds = new Option<double>("--seconds")
        {
            Description = "Time of one workload on one rung.", DefaultValueFactory = _ => 1,
        };
        var recovery = new Option<bool>("--recovery")
        {
            Description = "Instead: kill a storage server, twice, and measure reads meanwhile and how fast it is "
                + "brought up to date.",
        };
        var rings = new Option<bool>("--usrbio")
        {
            Description = "Instead: random reads through a ring of the mount, beside the mount and the raw disk.",
        };
        var load = new Option<string>("--load")
        {
            Description = "With --usrbio: only loads whose name contains this, as in \"4KiB ×32\".",
            DefaultValueFactory = _ => "",
        };
        var command = new Command("bench", "Measure a running local cluster from the raw disk to the mount.")
        {
            dir, rounds, seconds, recovery, rings, load, LadderCommand.Create(),
        };
        command.SetAction((parsed, ct) => RunAsync(
            ClusterDirectory.At(parsed.GetValue(dir)), parsed.GetValue(rounds),
            TimeSpan.FromSeconds(parsed.GetValue(seconds)),
            parsed.GetValue(recovery), parsed.GetValue(rings), parsed.GetValue(load)!, ct));
        return command;
    }

    private static async Task<int> RunAsync(
        ClusterDirectory directory, int rounds, TimeSpan time, bool recovery, bool rings, string load,
        CancellationToken ct)
    {
        if (rounds is < 1 or > 1000 || time <= TimeSpan.Zero)
            return Say.Failure(new Status(StatusCode.InvalidArgument, "--rounds is 1 to 1000, --seconds is positive"));
        var opened = LocalCluster.Open(directory);
        if (!opened.TryGet(out var cluster)) return Say.Failure(opened.Status);
        if (cluster.Plan.ChunkSize < ByteSize.MiB)
        {
            return Say.Failure(new Status(
                StatusCode.InvalidArgument,
                "the ladder's largest operation is 1MiB, "
                + $"and chunks of {directory.Path} are {cluster.Plan.ChunkSize}"));
        }

        if (cluster.Mount.Process.Pid is null)
            return Say.Failure(new Status(
                StatusCode.Unavailable, $"the cluster in {directory.Path} is not mounted; start it with: threefs up"));

        var host = HostServices.ForProcess("bench", LogLevel.Error);
        await using var reactor = Reactor.Start("bench").Value;
        if (rings)
        {
            var ran = await reactor.InvokeAsync(
                () => new UsrbIoBench(cluster, reactor, host.NewRandom(), rounds, time, load).RunAsync());
            return ran.IsOk ? 0 : Say.Failure(ran);
        }

        var options = new ClientOptions
        {
            Mgmtd = [.. cluster.MgmtdAddresses], ClusterId = cluster.Plan.ClusterId, Description = "threefs bench",
        };
        await using var tcp = HostTransport.Create([reactor], TransportChoice.Tcp).Value;
        await using var auto = HostTransport.Create([reactor], TransportChoice.Auto).Value;
        var connected = await ThreeFsClient.ConnectAsync(options, auto, host.Time, host.NewRandom(), host.Logs, ct);
        if (!connected.TryGet(out var client)) return Say.Failure(connected.Status);
        await using (client)
        {
            if (recovery)
            {
                return await reactor.InvokeAsync(
                    () => RecoverAsync(cluster, client, reactor, host.NewRandom(), time));
            }

            var second = await ThreeFsClient.ConnectAsync(options, tcp, host.Time, host.NewRandom(), host.Logs, ct);
            if (!second.TryGet(out var overTcp)) return Say.Failure(second.Status);
            await using (overTcp)
            {
                return await reactor.InvokeAsync(
                    () => MeasureAsync(cluster, client, overTcp, reactor, host.NewRandom(), rounds, time));
            }
        }
    }

    private static async ValueTask<int> RecoverAsync(
        LocalCluster cluster, ThreeFsClient client, Reactor reactor, SeededRandom random, TimeSpan time)
    {
        if (cluster.Plan.Replicas < 2)
            return Say.Failure(new Status(
                StatusCode.InvalidArgument, "chunks have one copy: nothing reads on when its server is away"));
        using var buffers = new BufferPool(256 << 20);
        var status = await new RecoveryBench(cluster, client, reactor, buffers, random, time).RunAsync();
        return status.IsOk ? 0 : Say.Failure(status);
    }

    private static async ValueTask<int> MeasureAsync(
        LocalCluster cluster, ThreeFsClient client, ThreeFsClient overTcp, Reactor reactor, SeededRandom random,
        int rounds, TimeSpan time)
    {
        using var buffers = new BufferPool(256 << 20);
        var meter = new CpuMeter([Environment.ProcessId, .. cluster.Roles.Select(r => r.Process.Pid).OfType<int>()]);
        var rungs = new List<IRung>();
        try
        {
            var status = await OpenAsync(rungs, cluster, client, overTcp, reactor);
            foreach (var rung in status.IsOk ? rungs : [])
            {
                if (status.IsOk) status = await FileFill.RunAsync(rung, reactor, FileBytes, buffers);
            }

            if (!status.IsOk) return Say.Failure(status);

            var table = new Table(["OPERATIONS PER SECOND", .. rungs.Select(r => r.Name)]);
            var cpu = new Table(["CPU µs AN OPERATION", .. rungs.Select(r => r.Name)]);
            foreach (var workload in Workload.Ladder)
            {
                var results = rungs.Select(_ => new List<Measured>()).ToArray();
                for (var round = 0; round < rounds; round++)
                {
                    Say.Progress($"{workload.Name}, round {round + 1} of {rounds}");
                    for (var i = 0; i < rungs.Count; i++)
                    {
                        var result = await workload.RunAsync(
                            rungs[i], reactor, FileBytes, time, buffers, random, meter);
                        if (!result.TryGet(out var measured)) return Say.Failure(result.Status);
                        results[i].Add(measured);
                    }
                }

                var medians = results.Select(r => Median.Of(r.Select(m => m.Rate))).ToArray();
                table.Add([workload.Name, .. medians.Select(m => $"{m:0} ({m / medians[0]:0.00})")]);
                cpu.Add([workload.Name, .. results.Select(r => $"{Median.Of(r.Select(m => m.Cpu)):0.0}")]);
            }

            Console.Write(table);
            Console.Write(cpu);
            var chunk = rungs.OfType<ChunkRung>().Single();
            var costing = await chunk.MeasureCostsAsync(FileBytes, time, buffers, random);
            if (!costing.TryGet(out var costs)) return Say.Failure(costing.Status);
            Console.WriteLine(
                $"chunk engine, random 4KiB overwrites: {costs.BytesPerByte:0.0} bytes to the device "
                + "for each byte (a replica), "
                + $"{costs.UpdatesPerFlush:0.0} updates for each flush at ×32");
            return 0;
        }
        finally
        {
            foreach (var rung in rungs) await rung.DisposeAsync();
        }
    }

    private static async ValueTask<Status> OpenAsync(
        List<IRung> rungs, LocalCluster cluster, ThreeFsClient client, ThreeFsClient overTcp, Reactor reactor)
    {
        var name = $".threefs-bench-{Environment.ProcessId}";
        var raw = Path.Combine(cluster.Directory.Path, name);
        foreach (var open in new Func<ValueTask<Result<IRung>>>[]
        {
            () => new(FileRung.Open("raw", reactor, raw)),
            () => ChunkRung.OpenAsync(reactor, raw + "-target", chunkSize: 1 << 20),
            () => ClusterRung.OpenAsync("tcp", overTcp, name + "-tcp", chunksDirectly: true),
            () => ClusterRung.OpenAsync("chain", client, name + "-chain", chunksDirectly: true),
            () => ClusterRung.OpenAsync("file", client, name + "-file", chunksDirectly: false),
            () => new(FileRung.Open("mount", reactor, Path.Combine(cluster.Plan.Mount, name))),
        })
        {
            var opened = await open();
            if (!opened.TryGet(out var rung)) return opened.Status;
            rungs.Add(rung);
        }

        return Status.Ok;
    }
}
