using ThreeFs.Base;
using ThreeFs.Io;

namespace ThreeFs.Cli.Bench.Ladder;

/// <summary>A rung that is called from here, operation by operation.</summary>
internal sealed class FileLadderRung(
    IRung rung, long fileBytes, Reactor reactor, LaneBuffers buffers, SeededRandom random) : ILadderRung
{
    public string Name => rung.Name;

    public Status Prepare(Workload load) => Status.Ok;

    public async ValueTask<Result<LadderRun>> RunAsync(Workload load, TimeSpan time, LatencyHistogram latencies)
    {
        var ran = await load.RunAsync(rung, reactor, fileBytes, time, buffers, random, null, latencies);
        return ran.TryGet(out var measured) ? new LadderRun(measured.Rate) : ran.Status;
    }
}
