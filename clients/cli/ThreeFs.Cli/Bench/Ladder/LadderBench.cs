using ThreeFs.Base;
using ThreeFs.Cli.Output;
using ThreeFs.Io;

namespace ThreeFs.Cli.Bench.Ladder;

/// <summary>
/// Climbs the ladder with every load. Rungs take turns, round by round, because a shared disk's speed changes by the
/// minute.
/// </summary>
internal sealed class LadderBench(IReadOnlyList<MeteredRung> rungs, Reactor reactor, int rounds, TimeSpan time)
{
    public async ValueTask<Result<IReadOnlyList<LadderResult>>> RunAsync(
        IReadOnlyList<Workload> loads, CancellationToken ct)
    {
        var results = new List<LadderResult>();
        foreach (var load in loads)
        {
            var all = rungs.Select(r => new Turns(r)).ToArray();
            for (var round = 0; round < rounds; round++)
            {
                Say.Progress($"{load.Name}, round {round + 1} of {rounds}");
                foreach (var turns in all)
                {
                    // The rung before may have ended on another thread.
                    await reactor.SwitchTo();
                    var status = await turns.TakeAsync(load, time);
                    ct.ThrowIfCancellationRequested();
                    if (!status.IsOk) return status;
                }
            }

            results.AddRange(all.Select(t => t.ToResult(load)));
        }

        return results;
    }

    /// <summary>One rung's rounds of one load.</summary>
    private sealed class Turns(MeteredRung rung)
    {
        private readonly LatencyHistogram _latencies = new();
        private readonly List<(double Rate, LadderCpu Cpu)> _rounds = [];

        public async ValueTask<Status> TakeAsync(Workload load, TimeSpan time)
        {
            var measured = await rung.MeasureAsync(load, time, _latencies);
            if (measured.TryGet(out var round)) _rounds.Add(round);
            return measured.Status;
        }

        public LadderResult ToResult(Workload load) => new(
            load, rung.Name, Median.Of(_rounds.Select(r => r.Rate)), _latencies.Percentile(50),
            _latencies.Percentile(99), _latencies.Percentile(99.9),
            LadderCpu.MedianOf([.. _rounds.Select(r => r.Cpu)]));
    }
}
