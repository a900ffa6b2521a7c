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
internal sealed record Workload(string Name, int Size, int Depth, bool IsWrite, bool FlushesEach = false)
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
    /// Runs for the time, ends with a flush when it wrote, and answers operations per second and processor time of an
    /// operation, the flush included.
    /// </summary>
    public async ValueTask<Result<Measured>> RunAsync(
        IRung rung, Reactor reactor, long fileBytes, TimeSpan time, BufferPool buffers, SeededRandom random,
        CpuMeter? meter = null)
    {
        var cpu = meter?.Read() ?? default;
        // The rung before may have ended on another thread.
        await reactor.SwitchTo();
        var clock = Stopwatch.StartNew();
        var lanes = Enumerable.Range(0, Depth)
            .Select(lane => LaneAsync(
                rung, lane * (fileBytes / Depth), fileBytes / Depth, clock, time, buffers,
                new SeededRandom(random.NextUInt64())))
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

    private async Task<Result<long>> LaneAsync(
        IRung rung, long start, long length, Stopwatch clock, TimeSpan time, BufferPool buffers, SeededRandom random)
    {
        using var buffer = buffers.TryRent(Size)!;
        var memory = buffer.Memory.Slice(0, Size);
        random.NextBytes(memory.Span);
        for (long count = 0; ; count++)
        {
            if (clock.Elapsed >= time) return count;
            var offset = start + (long)(random.NextUInt64() % (ulong)(length / Size)) * Size;
            if (FlushesEach && count > 0)
            {
                var flushed = await rung.FlushAsync();
                if (!flushed.IsOk) return flushed;
            }

            var status = await (IsWrite ? rung.WriteAsync(offset, memory) : rung.ReadAsync(offset, memory));
            if (!status.IsOk)
                return new Status(status.Code, $"{rung.Name}, {Name}: {status.Message ?? status.Code.ToString()}");
        }
    }
}

/// <summary>Operations per second, and processor time of one in µs over all processes that take part.</summary>
internal readonly record struct Measured(double Rate, double Cpu);
