using ThreeFs.Base;
using ThreeFs.Cli.Dev;

namespace ThreeFs.Cli.Bench.Ladder;

/// <summary>A rung with the processes that work for it beside this one.</summary>
internal sealed class MeteredRung(ILadderRung rung, LocalCluster? cluster, bool isMounted)
{
    private readonly CpuMeter _self = new([Environment.ProcessId]);
    private readonly CpuMeter? _mount = isMounted ? MeterOf([cluster!.Mount]) : null;
    private readonly CpuMeter? _servers =
        cluster is null ? null : MeterOf(cluster.Roles.Where(r => r != cluster.Mount));

    public string Name => rung.Name;

    /// <summary>Rate and processor time of an operation; latencies go into the histogram.</summary>
    public async ValueTask<Result<(double Rate, LadderCpu Cpu)>> MeasureAsync(
        Workload load, TimeSpan time, LatencyHistogram latencies)
    {
        var prepared = rung.Prepare(load);
        if (!prepared.IsOk) return prepared;
        var (client, mount, servers) = (_self.Read(), _mount?.Read(), _servers?.Read());
        var before = latencies.Count;
        var ran = await rung.RunAsync(load, time, latencies);
        if (!ran.TryGet(out var run)) return ran.Status;
        var count = Math.Max(1, latencies.Count - before);
        return (run.Rate, new LadderCpu(
            run.ClientCpu ?? Each(_self.Read() - client)!.Value, Each(_mount?.Read() - mount),
            Each(_servers?.Read() - servers)));

        double? Each(TimeSpan? used) => used?.TotalMicroseconds / count;
    }

    private static CpuMeter MeterOf(IEnumerable<LocalRole> roles) =>
        new([.. roles.Select(r => r.Process.Pid).OfType<int>()]);
}
