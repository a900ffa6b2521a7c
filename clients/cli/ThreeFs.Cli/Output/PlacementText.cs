using System.Globalization;
using System.Text;
using ThreeFs.Placement;

namespace ThreeFs.Cli.Output;

/// <summary>
/// A <see cref="PlacementReport"/> for operators: what each node's failure costs the others, and how near
/// that is to the ideal.
/// </summary>
internal static class PlacementText
{
    public static string Of(PlacementReport report, int chains, Func<int, string> nameOf)
    {
        var table = new Table(
            "FAILED NODE", "TARGETS", "HEADS", "COMMON CHAINS", "SHARE OF EACH SURVIVOR", "HEADS TAKEN OVER");
        for (var n = 0; n < report.Nodes.Length; n++)
        {
            var load = report.Nodes[n];
            table.Add(
                nameOf(n), $"{load.Targets}", $"{load.Heads}", $"{load.LeastCommon} to {load.MostCommon}",
                $"{Percent(load.LeastShare)} to {Percent(load.MostShare)}", $"at most {load.MostTakenOver}");
        }

        var text = new StringBuilder(table.ToString()).Append('\n');
        if (report.Nodes.Length < 2) return text.Append("one node: nobody takes over when it fails\n").ToString();
        text.Append(CultureInfo.InvariantCulture, $"{report.Nodes.Length} nodes, {chains} chains, ");
        text.Append(
            CultureInfo.InvariantCulture,
            $"{report.Nodes.Min(n => n.Heads)} to {report.Nodes.Max(n => n.Heads)} heads a node; ");
        text.Append(
            CultureInfo.InvariantCulture,
            $"of a failed node's load a survivor carries at most {Percent(report.WorstShare)}, ");
        text.Append(CultureInfo.InvariantCulture, $"ideal is {Percent(report.IdealShare)}: {Verdict(report)}\n");
        return text.ToString();
    }

    private static string Verdict(PlacementReport report) =>
        report.IsExact ? "exact"
        : report.IsNearest ? "within one chain of each other"
        : "some survivors carry more than one chain more than others";

    private static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{share * 100:0.#} %");
}
