using System.Diagnostics;
using ThreeFs.Base;

namespace ThreeFs.Cli.Bench.Ladder;

/// <summary>
/// A ring of the mount (USRBIO). Runs on the bench's reactor, which has nothing else to do meanwhile. Writes end with
/// the ring's completions: what a flush costs is the mount's rung's to tell.
/// </summary>
/// <param name="path">A file on the mount of <paramref name="fileBytes"/> bytes.</param>
internal sealed class RingLadderRung(string mount, string path, long fileBytes, SeededRandom random) : ILadderRung
{
    public string Name => "ring";

    public bool Takes(Workload load) => true;

    public ValueTask<Result<LadderRun>> RunAsync(Workload load, TimeSpan time, LatencyHistogram latencies)
    {
        var opened = RingProgram.Open(mount, path, load);
        if (!opened.TryGet(out var ring)) return new(opened.Status);
        using (ring)
        {
            var started = Stopwatch.GetTimestamp();
            var ran = ring.Run(fileBytes, time, random, latencies);
            if (!ran.TryGet(out var count)) return new(ran.Status);
            return new(new LadderRun(count / Stopwatch.GetElapsedTime(started).TotalSeconds));
        }
    }
}
