namespace ThreeFs.Cli.Bench.Ladder;

/// <summary>What one rung made of one load: the medians over rounds, and the latencies of all.</summary>
/// <param name="Rate">Operations a second.</param>
/// <param name="Cpu">Processor time of one.</param>
internal sealed record LadderResult(
    Workload Load, string Rung, double Rate, TimeSpan P50, TimeSpan P99, TimeSpan P999, LadderCpu Cpu)
{
    public double MegabytesPerSecond => Rate * Load.Size / 1e6;
}

/// <summary>Processor time of one operation, µs.</summary>
/// <param name="Client">In the measuring process.</param>
/// <param name="Mount">In the mount's process; null: the rung does not go through it.</param>
/// <param name="Servers">In all servers; null: there are none.</param>
internal readonly record struct LadderCpu(double Client, double? Mount, double? Servers)
{
    public double Total => Client + (Mount ?? 0) + (Servers ?? 0);

    /// <param name="all">At least one; all of one rung.</param>
    public static LadderCpu MedianOf(IReadOnlyCollection<LadderCpu> all) => new(
        Median.Of(all.Select(c => c.Client)),
        all.All(c => c.Mount is null) ? null : Median.Of(all.Select(c => c.Mount ?? 0)),
        all.All(c => c.Servers is null) ? null : Median.Of(all.Select(c => c.Servers ?? 0)));
}
