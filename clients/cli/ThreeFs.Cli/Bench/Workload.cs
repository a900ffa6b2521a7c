using System.Diagnostics;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Io;

namespace ThreeFs.Cli.Bench;

/// <summary>
/// Operations of one size and kind, so many in flight, at random offsets; each lane keeps to a part of the file, so
/// that no two write the same chunk at the same time (which the chunk engine leaves to its caller to order).
/// </summary>
/// <param name="FlushesEach">
/// Every write is followed by a flush before the lane's next one, as by a program that calls fsync.
/// </param>
/// <param name="IsSequential">Each lane goes through its part in order instead of at random.</param>
internal sealed record Workload(
    string Name, int Size, int Depth, bool IsWrite, bool FlushesEach = false, bool IsSequential = false)
{
    public static readonly Workload SmallWrites = new("write 4KiB ×32", 4 << 10, 32, true);
    public static readonly Workload SmallFlushedWrites = new(
        "write+flush 4KiB ×32", 4 << 10, 32, true, FlushesEach: true);

    public static IReadOnlyList<Workload> Ladder { get; } =
    [
        new("read 4KiB ×1", 4 << 10, 1, false),
        new("read 4KiB ×32", 4 << 10, 32, false),
        new("read 1MiB ×4", 1 << 20, 4, false),
        new("write 4KiB ×1", 4 << 10, 1, true),
        SmallWrites,
        new("write 1MiB ×4", 1 << 20, 4, true),
        new("write+flush 4KiB ×1", 4 << 10, 1, true, FlushesEach: true),
        SmallFlushedWrites,
    ];

    /// <summary>
    /// Runs for the time, but every lane at least once, ends with a flush when it wrote, and answers operations per
    /// second and processor time of an operation, the flush included.
    /// </summary>
    public async ValueTask<Result<Measured>> RunAsync(
        IRung rung, Reactor reactor, long fileBytes, TimeSpan time, BufferPool buffers, SeededRandom random,
        CpuMeter? meter = null)
    {
        using var lanes = new LaneBuffers(buffers, (long)Size * Depth, random);
        return await RunAsync(rung, reactor, fileBytes, time, lanes, random, meter, null);
    }

    /// <summary>The same with memory for the lanes that is there already.</summary>
    public async ValueTask<Result<Measured>> RunAsync(
        IRung rung, Reactor reactor, long fileBytes, TimeSpan time, LaneBuffers buffers, SeededRandom random,
        CpuMeter? meter, LatencyHistogram? latencies)
    {
        var cpu = meter?.Read() ?? default;
        // The rung before may have ended on another thread.
        await reactor.SwitchTo();
        var clock = Stopwatch.StartNew();
        var lanes = Enumerable.Range(0, Depth)
            .Select(lane => LaneAsync(
                rung, lane, fileBytes, clock, time, buffers.Of(lane, Size), new SeededRandom(random.NextUInt64()),
                latencies))
            .ToArray();
        long operations = 0;
        foreach (var lane in lanes)
        {
            var done = await lane;
            if (!done.TryGet(out var count)) return done.Status;
            operations += count;
        }

        var status = IsWrite ? await rung.FlushAsync() : Status.Ok;
        var rate = operations / clock.Elapsed.TotalSeconds;
        cpu = (meter?.Read() ?? default) - cpu;
        return status.IsOk ? new Measured(rate, cpu.TotalMicroseconds / operations) : status;
    }

    /// <summary>
    /// Where a lane's operation goes, of which it has made so many before: in the lane's part of the file.
    /// </summary>
    public long OffsetOf(int lane, long count, long fileBytes, SeededRandom random)
    {
        var length = fileBytes / Depth;
        var places = length / Size;
        var place = IsSequential ? count % places : (long)(random.NextUInt64() % (ulong)places);
        return lane * length + place * Size;
    }

    private async Task<Result<long>> LaneAsync(
        IRung rung, int lane, long fileBytes, Stopwatch clock, TimeSpan time, IoMemory memory, SeededRandom random,
        LatencyHistogram? latencies)
    {
        for (long count = 0; ; count++)
        {
            var begun = clock.Elapsed;
            if (begun >= time && count > 0) return count;
            var offset = OffsetOf(lane, count, fileBytes, random);
            if (FlushesEach && count > 0)
            {
                var flushed = await rung.FlushAsync();
                if (!flushed.IsOk) return flushed;
            }

            var status = await (IsWrite ? rung.WriteAsync(offset, memory) : rung.ReadAsync(offset, memory));
            if (!status.IsOk)
                return new Status(status.Code, $"{rung.Name}, {Name}: {status.Message ?? status.Code.ToString()}");
            latencies?.Record(clock.Elapsed - begun);
        }
    }
}

/// <summary>Operations per second, and processor time of one in µs over all processes that take part.</summary>
internal readonly record struct Measured(double Rate, double Cpu);
