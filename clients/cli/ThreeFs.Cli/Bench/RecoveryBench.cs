using System.Diagnostics;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Cli.Dev;
using ThreeFs.Cli.Output;
using ThreeFs.Client;
using ThreeFs.Contracts.Routing;
using ThreeFs.Io;

namespace ThreeFs.Cli.Bench;

/// <summary>
/// What the death and the return of a storage server cost: reads before, while it is away, and while its targets are
/// brought up to date; and how fast that goes when nothing else does. It kills one storage server of a local cluster
/// twice and leaves the cluster whole.
/// </summary>
internal sealed class RecoveryBench(
    LocalCluster cluster, ThreeFsClient client, Reactor reactor, BufferPool buffers, SeededRandom random, TimeSpan time)
{
    private const long FileBytes = 512 << 20;
    private static readonly Workload _reads = new("read 1MiB ×8", 1 << 20, 8, IsWrite: false);
    private static readonly Workload _writes = new("write 1MiB ×8", 1 << 20, 8, IsWrite: true);

    private readonly LocalRole _victim = cluster.Roles.First(
        r => r.Name.StartsWith("storage-", StringComparison.Ordinal));

    public async ValueTask<Status> RunAsync()
    {
        var name = $".threefs-bench-{Environment.ProcessId}";
        var opened = FileRung.Open("raw", reactor, Path.Combine(cluster.Directory.Path, name));
        if (!opened.TryGet(out var raw)) return opened.Status;
        await using var _ = raw;
        var created = await ClusterRung.OpenAsync("file", client, name, chunksDirectly: false);
        if (!created.TryGet(out var file)) return created.Status;
        await using var __ = file;
        try
        {
            return await MeasureAsync(raw, file);
        }
        finally
        {
            if (_victim.Process.Pid is null) _victim.Process.Start();
        }
    }

    private async ValueTask<Status> MeasureAsync(IRung raw, IRung file)
    {
        Say.Progress($"writing {new ByteSize(FileBytes)} to a file and to the raw disk");
        var status = await FillAsync(file);
        if (!status.IsOk) return status;
        var device = await RateAsync(() => FillAsync(raw));
        if (!device.TryGet(out var deviceRate)) return device.Status;

        Say.Progress("reading with every server");
        var before = await ReadAsync(file);
        if (!before.TryGet(out var beforeRate)) return before.Status;

        Say.Progress($"reading without {_victim.Name}");
        await KillAsync();
        var away = await ReadAsync(file);
        if (!away.TryGet(out var awayRate)) return away.Status;
        status = await FillAsync(file);
        if (!status.IsOk) return status;

        Say.Progress($"reading while {_victim.Name} is brought up to date");
        _victim.Process.Start();
        await client.Routing.WaitFor(r => StatesOf(r).Contains(TargetState.Syncing), default);
        var during = await ReadAsync(file);
        if (!during.TryGet(out var duringRate)) return during.Status;
        await WaitUntilWholeAsync();

        Say.Progress($"bringing {_victim.Name} up to date with nothing else to do");
        await KillAsync();
        status = await FillAsync(file);
        if (!status.IsOk) return status;
        _victim.Process.Start();
        await client.Routing.WaitFor(r => StatesOf(r).Contains(TargetState.Syncing), default);
        var resync = await RateAsync(async () =>
        {
            await WaitUntilWholeAsync();
            return Status.Ok;
        });
        return Print(deviceRate, beforeRate, awayRate, duringRate, resync.Value);
    }

    private Status Print(double device, double before, double away, double during, double resync)
    {
        var nodes = cluster.Roles.Count(r => r.Name.StartsWith("storage-", StringComparison.Ordinal));
        var share = cluster.Plan.Replicas * (double)FileBytes / nodes;
        var table = new Table("RECOVERY", "MiB PER SECOND", "RATIO");
        table.Add("reads with every server", $"{before:0}", "1.00");
        table.Add("reads while one is away", $"{away:0}", $"{away / before:0.00}");
        table.Add("reads while it is brought up to date", $"{during:0}", $"{during / before:0.00}");
        table.Add("raw disk, sequential write and flush", $"{device:0}", "1.00");
        var rate = resync * share / FileBytes;
        table.Add($"bringing up to date, {new ByteSize((long)share)}", $"{rate:0}", $"{rate / device:0.00}");
        Console.Write(table);
        return Status.Ok;
    }

    private async ValueTask KillAsync()
    {
        await _victim.Process.KillAsync();
        await client.Routing.WaitFor(r => !StatesOf(r).Contains(TargetState.Serving), default);
    }

    private async ValueTask WaitUntilWholeAsync() =>
        await client.Routing.WaitFor(r => StatesOf(r).All(s => s == TargetState.Serving), default);

    /// <summary>Of the victim's targets.</summary>
    private IEnumerable<TargetState> StatesOf(RoutingInfo routing) =>
        routing.Targets.Values.Where(t => t.Node.Value == _victim.NodeId).Select(t => t.State);

    private async ValueTask<Result<double>> ReadAsync(IRung rung)
    {
        var rate = await _reads.RunAsync(rung, reactor, FileBytes, time, buffers, random);
        return rate.TryGet(out var measured) ? measured.Rate : rate.Status;
    }

    /// <summary>MiB per second of something that moves the file's bytes once.</summary>
    private static async ValueTask<Result<double>> RateAsync(Func<ValueTask<Status>> move)
    {
        var clock = Stopwatch.StartNew();
        var status = await move();
        return status.IsOk ? FileBytes / (double)ByteSize.MiB / clock.Elapsed.TotalSeconds : status;
    }

    private async ValueTask<Status> FillAsync(IRung rung)
    {
        await reactor.SwitchTo();
        var lanes = Enumerable.Range(0, _writes.Depth).Select(lane => FillLaneAsync(rung, lane)).ToArray();
        foreach (var lane in lanes)
        {
            var status = await lane;
            if (!status.IsOk) return status;
        }

        return await rung.FlushAsync();
    }

    private async Task<Status> FillLaneAsync(IRung rung, int lane)
    {
        using var buffer = buffers.TryRent(_writes.Size)!;
        var memory = buffer.Memory.Slice(0, _writes.Size);
        new SeededRandom(random.NextUInt64()).NextBytes(memory.Span);
        for (var offset = (long)lane * _writes.Size; offset < FileBytes; offset += (long)_writes.Depth * _writes.Size)
        {
            var status = await rung.WriteAsync(offset, memory);
            if (!status.IsOk) return status;
        }

        return Status.Ok;
    }
}
