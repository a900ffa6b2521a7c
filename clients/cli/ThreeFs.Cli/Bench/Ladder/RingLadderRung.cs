using System.Diagnostics;
using ThreeFs.Base;

namespace ThreeFs.Cli.Bench.Ladder;

/// <summary>
/// A ring of the mount (USRBIO), on a thread of its own: it blocks, and the clients' heartbeats go on meanwhile. Writes
/// end with the ring's completions: what a flush costs is the mount's rung's to tell.
/// </summary>
/// <param name="path">A file on the mount of <paramref name="fileBytes"/> bytes.</param>
internal sealed class RingLadderRung(string mount, string path, long fileBytes, SeededRandom random)
    : ILadderRung, IDisposable
{
    private Workload? _load;
    private RingProgram? _ring;

    public string Name => "ring";

    /// <summary>A program has a ring for as long as it runs: it is opened once for all rounds of a load.</summary>
    public Status Prepare(Workload load)
    {
        if (_load == load) return Status.Ok;
        Dispose();
        var opened = RingProgram.Open(mount, path, load);
        if (!opened.TryGet(out var ring)) return opened.Status;
        ring.Fill(random);
        (_load, _ring) = (load, ring);
        return Status.Ok;
    }

    public async ValueTask<Result<LadderRun>> RunAsync(Workload load, TimeSpan time, LatencyHistogram latencies)
    {
        var started = Stopwatch.GetTimestamp();
        var ran = await Task.Factory.StartNew(
            () => _ring!.Run(fileBytes, time, random, latencies),
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        return ran.TryGet(out var count)
            ? new LadderRun(count / Stopwatch.GetElapsedTime(started).TotalSeconds)
            : ran.Status;
    }

    public void Dispose()
    {
        _ring?.Dispose();
        (_load, _ring) = (null, null);
    }
}
