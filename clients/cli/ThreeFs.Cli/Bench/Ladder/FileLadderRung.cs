using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Io;

namespace ThreeFs.Cli.Bench.Ladder;

/// <summary>A rung that is called from here, operation by operation.</summary>
/// <param name="largest">Bytes of the largest operation that it takes.</param>
internal sealed class FileLadderRung(
    IRung rung, int largest, long fileBytes, Reactor reactor, BufferPool buffers, SeededRandom random) : ILadderRung
{
    public string Name => rung.Name;

    public bool Takes(Workload load) => load.Size <= largest;

    public async ValueTask<Result<LadderRun>> RunAsync(Workload load, TimeSpan time, LatencyHistogram latencies)
    {
        var ran = await load.RunAsync(rung, reactor, fileBytes, time, buffers, random, null, latencies);
        return ran.TryGet(out var measured) ? new LadderRun(measured.Rate) : ran.Status;
    }
}
