using System.Diagnostics;
using System.Text.Json;
using ThreeFs.Base;

namespace ThreeFs.Cli.Bench.Ladder;

/// <summary>
/// fio on the raw rung's file: a program that everybody knows, to judge the others by. Its sequential loads are one
/// stream, those of the other rungs one in each lane.
/// </summary>
internal sealed class FioRung(string path, long fileBytes) : ILadderRung
{
    public string Name => "fio";

    /// <summary>Whether there is a fio that has io_uring.</summary>
    public static bool IsInstalled()
    {
        try
        {
            var start = new ProcessStartInfo("fio", ["--enghelp"]) { RedirectStandardOutput = true };
            using var fio = Process.Start(start)!;
            var engines = fio.StandardOutput.ReadToEnd();
            fio.WaitForExit();
            return engines.Contains("io_uring", StringComparison.Ordinal);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }

    public Status Prepare(Workload load) => Status.Ok;

    public async ValueTask<Result<LadderRun>> RunAsync(Workload load, TimeSpan time, LatencyHistogram latencies)
    {
        var direction = load.IsWrite ? "write" : "read";
        var start = new ProcessStartInfo("fio",
        [
            "--name=ladder", $"--filename={path}", $"--size={fileBytes}", "--ioengine=io_uring", "--direct=1",
            $"--rw={(load.IsSequential ? "" : "rand")}{direction}", $"--bs={load.Size}", $"--iodepth={load.Depth}",
            "--time_based", $"--runtime={time.TotalMilliseconds:0}ms", "--randrepeat=0", "--output-format=json",
            "--lat_percentiles=1", "--clat_percentiles=0", "--percentile_list=50:99:99.9",
        ]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var fio = Process.Start(start)!;
        var errors = fio.StandardError.ReadToEndAsync();
        var output = await fio.StandardOutput.ReadToEndAsync();
        await fio.WaitForExitAsync();
        return fio.ExitCode == 0 && output.Contains('{')
            ? Parse(output[output.IndexOf('{')..], direction, latencies)
            : new Status(StatusCode.IoError, $"fio, {load.Name}: it ended with {fio.ExitCode}: {await errors}");
    }

    /// <summary>Reads the one job of fio's report.</summary>
    internal static LadderRun Parse(string json, string direction, LatencyHistogram latencies)
    {
        using var parsed = JsonDocument.Parse(json);
        var job = parsed.RootElement.GetProperty("jobs")[0];
        var result = job.GetProperty(direction);
        RecordPercentiles(result, latencies);
        var rate = result.GetProperty("iops").GetDouble();
        var busy = (job.GetProperty("usr_cpu").GetDouble() + job.GetProperty("sys_cpu").GetDouble()) / 100;
        return new LadderRun(rate, rate == 0 ? 0 : busy / rate * 1e6);
    }

    /// <summary>
    /// It tells only these: as many operations as lie up to each of them count as if they had taken so long.
    /// </summary>
    private static void RecordPercentiles(JsonElement result, LatencyHistogram latencies)
    {
        if (!result.GetProperty("lat_ns").TryGetProperty("percentile", out var percentiles)) return;
        foreach (var (name, count) in new[] { ("50.000000", 500), ("99.000000", 490), ("99.900000", 10) })
        {
            var latency = TimeSpan.FromMicroseconds(percentiles.GetProperty(name).GetInt64() / 1000.0);
            for (var i = 0; i < count; i++) latencies.Record(latency);
        }
    }
}
