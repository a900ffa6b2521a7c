using System.Diagnostics;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Cli.Dev;
using ThreeFs.Cli.Output;
using ThreeFs.Io;

namespace ThreeFs.Cli.Bench;

/// <summary>
/// Random reads of a file by a program: from the raw disk and from the mount with O_DIRECT and io_uring, and from the
/// mount through a ring. The three take turns; medians, in brackets the ratio to the raw disk, and processor time of
/// everybody together, the ring's by process too.
/// </summary>
/// <param name="only">Only loads whose name contains this.</param>
internal sealed class UsrbIoBench(
    LocalCluster cluster, Reactor reactor, SeededRandom random, int rounds, TimeSpan time, string only)
{
    private const long FileBytes = 256 << 20;

    private static readonly (string Name, int Size, int Depth)[] _loads =
    [
        ("4KiB ×1", 4 << 10, 1), ("4KiB ×32", 4 << 10, 32), ("4KiB ×1024", 4 << 10, 1024),
        ("128KiB ×8", 128 << 10, 8), ("1MiB ×4", 1 << 20, 4),
    ];

    public async ValueTask<Status> RunAsync()
    {
        var name = $".threefs-bench-{Environment.ProcessId}";
        using var buffers = new BufferPool(256 << 20);
        var onDisk = FileRung.Open("raw", reactor, Path.Combine(cluster.Directory.Path, name));
        if (!onDisk.TryGet(out var raw)) return onDisk.Status;
        await using var _ = raw;
        var path = Path.Combine(cluster.Plan.Mount, name);
        var onMount = FileRung.Open("mount", reactor, path);
        if (!onMount.TryGet(out var mount)) return onMount.Status;
        await using var __ = mount;
        foreach (var rung in new[] { raw, mount })
        {
            var filled = await FileFill.RunAsync(rung, reactor, FileBytes, buffers);
            if (!filled.IsOk) return filled;
        }

        var meter = new CpuMeter([Environment.ProcessId, .. cluster.Roles.Select(r => r.Process.Pid).OfType<int>()]);
        var (programs, mounts) = (MeterOf(Environment.ProcessId), MeterOf(cluster.Mount.Process.Pid));
        var rates = new Table("READS PER SECOND", "raw", "mount", "ring");
        var costs = new Table("CPU µs A READ", "raw", "mount", "ring", "= program", "+ mount", "+ servers");
        foreach (var (label, size, depth) in _loads)
        {
            if (!label.Contains(only, StringComparison.OrdinalIgnoreCase)) continue;
            var load = new Workload(label, size, depth, IsWrite: false);
            var opened = RingProgram.Open(cluster.Plan.Mount, path, load);
            if (!opened.TryGet(out var ring)) return opened.Status;
            using var ___ = ring;
            var results = new List<Measured>[] { [], [], [] };
            var (ofProgram, ofMount) = (new List<double>(), new List<double>());
            for (var round = 0; round < rounds; round++)
            {
                Say.Progress($"{label}, round {round + 1} of {rounds}");
                var turns = new Func<ValueTask<Result<Measured>>>[]
                {
                    () => load.RunAsync(raw, reactor, FileBytes, time, buffers, random, meter),
                    () => load.RunAsync(mount, reactor, FileBytes, time, buffers, random, meter),
                    () => new(Measure(ring, meter, (programs, ofProgram), (mounts, ofMount))),
                };
                for (var i = 0; i < turns.Length; i++)
                {
                    var result = await turns[i]();
                    if (!result.TryGet(out var measured)) return result.Status;
                    results[i].Add(measured);
                }
            }

            var medians = results.Select(r => Median.Of(r.Select(m => m.Rate))).ToArray();
            rates.Add([label, .. medians.Select(m => $"{m:0} ({m / medians[0]:0.00})")]);
            var cpu = results.Select(r => Median.Of(r.Select(m => m.Cpu)));
            var (program, its) = (Median.Of(ofProgram), Median.Of(ofMount));
            costs.Add([label, .. cpu.Concat([program, its, cpu.Last() - program - its]).Select(c => $"{c:0.0}")]);
        }

        Console.Write(rates);
        Console.Write(costs);
        return Status.Ok;
    }

    /// <summary>On this thread, which is the bench's reactor and has nothing else to do meanwhile.</summary>
    private Result<Measured> Measure(
        RingProgram ring, CpuMeter meter, params ReadOnlySpan<(CpuMeter Meter, List<double> Costs)> parts)
    {
        var cpu = meter.Read();
        Span<TimeSpan> before = stackalloc TimeSpan[parts.Length];
        for (var i = 0; i < parts.Length; i++) before[i] = parts[i].Meter.Read();
        var clock = Stopwatch.StartNew();
        var ran = ring.Run(FileBytes, time, random);
        if (!ran.TryGet(out var reads)) return ran.Status;
        var rate = reads / clock.Elapsed.TotalSeconds;
        for (var i = 0; i < parts.Length; i++)
            parts[i].Costs.Add((parts[i].Meter.Read() - before[i]).TotalMicroseconds / reads);
        return new Measured(rate, (meter.Read() - cpu).TotalMicroseconds / reads);
    }

    private static CpuMeter MeterOf(int? process) => new(process is { } id ? [id] : []);
}
