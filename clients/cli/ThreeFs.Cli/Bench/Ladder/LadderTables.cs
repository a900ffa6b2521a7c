using System.Globalization;
using System.Text;
using ThreeFs.Cli.Output;

namespace ThreeFs.Cli.Bench.Ladder;

/// <summary>The results as text: a table for a terminal, tables in Markdown for a page, all numbers as CSV.</summary>
internal static class LadderTables
{
    public const string CsvHeader =
        "load,rung,operations_per_second,megabytes_per_second,p50_us,p99_us,p999_us,"
        + "client_cpu_us,mount_cpu_us,server_cpu_us,ratio_to_rung_below,ratio_to_raw";

    /// <summary>
    /// For each load one line: operations a second of every rung, in brackets the ratio to the rung below.
    /// </summary>
    public static string Terminal(IReadOnlyList<LadderResult> results)
    {
        var rungs = Rungs(results);
        var table = new Table(["OPERATIONS PER SECOND", .. rungs]);
        foreach (var load in results.GroupBy(r => r.Load))
            table.Add([load.Key.Name, .. Cells(load, rungs, r => RateCell(results, r))]);
        return table.ToString();
    }

    /// <summary>
    /// For each load one line: processor time of an operation on every rung, client + mount + servers.
    /// </summary>
    public static string TerminalCpu(IReadOnlyList<LadderResult> results)
    {
        var rungs = Rungs(results);
        var table = new Table(["CPU µs AN OPERATION", .. rungs]);
        foreach (var load in results.GroupBy(r => r.Load)) table.Add([load.Key.Name, .. Cells(load, rungs, CpuCell)]);
        return table.ToString();
    }

    public static string Csv(IReadOnlyList<LadderResult> results)
    {
        var text = new StringBuilder(CsvHeader + "\n");
        foreach (var r in results)
        {
            text.Append(Invariant($"{r.Load.Name},{r.Rung},{r.Rate:0},{r.MegabytesPerSecond:0.0},"));
            text.Append(Invariant(
                $"{r.P50.TotalMicroseconds:0},{r.P99.TotalMicroseconds:0},{r.P999.TotalMicroseconds:0},"));
            text.Append(Invariant($"{r.Cpu.Client:0.0},{r.Cpu.Mount:0.0},{r.Cpu.Servers:0.0},"));
            text.Append(Invariant($"{RatioBelow(results, r):0.00},{RatioTo(results, r, "raw"):0.00}\n"));
        }

        return text.ToString();
    }

    /// <summary>
    /// For each kind of load three tables, a line for each size and depth, a column for each rung: rates, processor
    /// times and latencies.
    /// </summary>
    public static string Markdown(IReadOnlyList<LadderResult> results)
    {
        var text = new StringBuilder();
        foreach (var kind in results.GroupBy(r => LadderLoads.KindOf(r.Load)))
        {
            var name = $"{char.ToUpperInvariant(kind.Key[0])}{kind.Key[1..]}s";
            text.Append($"\n## {name}\n");
            AppendTable(text, kind, "operations/s", r => RateCell(results, r));
            AppendTable(text, kind, "CPU µs", CpuCell);
            AppendTable(text, kind, "p50 / p99 / p99.9 µs", r => Invariant(
                $"{r.P50.TotalMicroseconds:0} / {r.P99.TotalMicroseconds:0} / {r.P999.TotalMicroseconds:0}"));
        }

        return text.ToString();
    }

    /// <summary>A table: a line for each step of each load with its rate and processor time.</summary>
    public static string GrowthMarkdown(IReadOnlyList<LadderResult> results)
    {
        var text = new StringBuilder("\n| load | spread over | operations/s | CPU µs: client + servers |\n");
        text.Append("|---|---|---|---|\n");
        foreach (var load in results.GroupBy(r => r.Load))
        {
            foreach (var r in load)
            {
                text.Append(Invariant($"| {load.Key.Name} | {r.Rung} | {r.Rate:0} | {CpuCell(r)} "));
                text.Append(Invariant($"({r.Cpu.Total / load.First().Cpu.Total:0.00}) |\n"));
            }
        }

        return text.ToString();
    }

    public static IReadOnlyList<string> Rungs(IEnumerable<LadderResult> results) =>
        [.. results.Select(r => r.Rung).Distinct()];

    /// <summary>NaN where the other rung is missing.</summary>
    public static double RatioTo(IReadOnlyList<LadderResult> results, LadderResult result, string rung) =>
        result.Rate / (results.FirstOrDefault(r => r.Load == result.Load && r.Rung == rung)?.Rate ?? double.NaN);

    private static void AppendTable(
        StringBuilder text, IEnumerable<LadderResult> results, string title, Func<LadderResult, string> cell)
    {
        var rungs = Rungs(results);
        text.Append($"\n| {title} | {string.Join(" | ", rungs)} |\n");
        text.Append($"|---|{string.Concat(Enumerable.Repeat("---|", rungs.Count))}\n");
        foreach (var load in results.GroupBy(r => r.Load))
            text.Append($"| {LadderLoads.ShapeOf(load.Key)} | {string.Join(" | ", Cells(load, rungs, cell))} |\n");
    }

    private static IEnumerable<string> Cells(
        IEnumerable<LadderResult> load, IEnumerable<string> rungs, Func<LadderResult, string> cell) =>
        rungs.Select(rung => load.FirstOrDefault(r => r.Rung == rung) is { } result ? cell(result) : "-");

    private static string RateCell(IReadOnlyList<LadderResult> results, LadderResult result) =>
        Invariant($"{result.Rate:0} ({RatioBelow(results, result):0.00})").Replace(" (-)", "");

    private static string CpuCell(LadderResult result) => string.Join(
        " + ", new[] { result.Cpu.Client, result.Cpu.Mount, result.Cpu.Servers }
            .OfType<double>().Select(c => Invariant($"{c:0.0}")));

    /// <summary>NaN for the first rung.</summary>
    private static double RatioBelow(IReadOnlyList<LadderResult> results, LadderResult result)
    {
        var below = results.TakeWhile(r => r != result).LastOrDefault(r => r.Load == result.Load);
        return result.Rate / (below?.Rate ?? double.NaN);
    }

    private static string Invariant(FormattableString text) =>
        text.ToString(CultureInfo.InvariantCulture).Replace("NaN", "-");
}
