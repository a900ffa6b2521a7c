using System.Diagnostics;
using ThreeFs.Cli.Bench;

namespace ThreeFs.Cli.Tests.Bench;

public sealed class CpuMeterTests
{
    [Fact]
    public void What_a_thread_used_that_has_ended_counts()
    {
        var meter = new CpuMeter([Environment.ProcessId]);
        var (before, own) = (meter.Read(), TimeSpan.Zero);
        var thread = new Thread(() =>
        {
            // By processor time, not by the clock: others may have the processor for long.
            var process = Process.GetCurrentProcess();
            var start = process.TotalProcessorTime;
            while (own < TimeSpan.FromMilliseconds(50))
            {
                process.Refresh();
                own = process.TotalProcessorTime - start;
            }
        });
        thread.Start();
        thread.Join();
        Assert.InRange(meter.Read() - before, own * 0.5, TimeSpan.FromDays(1)); // the kernel tells `own` in ticks of 10 ms
    }

    [Fact]
    public void A_process_that_has_ended_counts_as_it_did_last()
    {
        using var child = Process.Start(new ProcessStartInfo("sh", ["-c", "read x"]) { RedirectStandardInput = true })!;
        var meter = new CpuMeter([child.Id]);
        var before = meter.Read();
        Assert.NotEqual(TimeSpan.Zero, before);
        child.StandardInput.Close();
        child.WaitForExit();
        Assert.InRange(meter.Read(), before, before + TimeSpan.FromSeconds(10));
    }
}
