using System.Diagnostics;
using ThreeFs.Storage.ChunkEngine;
using Xunit.Abstractions;

namespace ThreeFs.Storage.Tests.ChunkEngine;

/// <summary>The engine's rung of the benchmark ladder: CPU of the process an operation. Runs when THREEFS_BENCH is set.</summary>
public sealed class LadderTests(ITestOutputHelper output)
{
    [Theory]
    [InlineData("4 KiB read", 4096, false, 20_000)]
    [InlineData("4 KiB overwrite", 4096, true, 20_000)]
    [InlineData("128 KiB overwrite", 128 << 10, true, 1000)]
    [InlineData("1 MiB read", 1 << 20, false, 1000)]
    [InlineData("1 MiB overwrite", 1 << 20, true, 500)]
    public void Measure(string name, int length, bool isWrite, int operations)
    {
        if (Environment.GetEnvironmentVariable("THREEFS_BENCH") is null) return;
        foreach (var width in new[] { 1, 8 })
        {
            using var target = new RealTarget();
            var load = new Load(target.Store, width, 64 / width, chunkBytes: 1 << 20);
            Assert.True(target.Run(load.FillAsync));
            target.Run(() => load.RunAsync(length, isWrite, operations / 4, 0));
            var cpu = Process.GetCurrentProcess().TotalProcessorTime;
            var clock = Stopwatch.StartNew();
            var allocated = target.Run(() => load.RunAsync(length, isWrite, 0, operations));
            target.Run(() => target.Store.FlushAsync());
            var wall = clock.Elapsed;
            if (isWrite) target.Run(() => target.Store.FoldAsync());
            var used = Process.GetCurrentProcess().TotalProcessorTime - cpu;
            var c = target.Store.Counters;
            output.WriteLine(
                $"{name} depth {width}: {used.TotalMicroseconds / operations:F1} µs CPU, {operations / wall.TotalSeconds:F0}/s, "
                + $"{allocated / operations} B allocated; folds {c.Folds}, folded {c.FoldedBytes >> 20} MiB, overlay reads {c.OverlayReads}");
        }
    }
}
