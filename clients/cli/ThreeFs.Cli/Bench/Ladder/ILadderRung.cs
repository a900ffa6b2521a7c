using ThreeFs.Base;

namespace ThreeFs.Cli.Bench.Ladder;

/// <summary>One rung as the ladder climbs it: does a load for a while. Called on the bench's reactor.</summary>
internal interface ILadderRung
{
    /// <summary>One word, for the tables.</summary>
    string Name { get; }

    /// <summary>Before every <see cref="RunAsync"/>: what a program does once and nobody measures.</summary>
    Status Prepare(Workload load);

    /// <summary>Does the load; how long each operation took goes into the histogram.</summary>
    ValueTask<Result<LadderRun>> RunAsync(Workload load, TimeSpan time, LatencyHistogram latencies);
}

/// <param name="Rate">Operations a second.</param>
/// <param name="ClientCpu">
/// Processor time of one in another process that took the place of this one, µs; null: it was this one.
/// </param>
internal readonly record struct LadderRun(double Rate, double? ClientCpu = null);
