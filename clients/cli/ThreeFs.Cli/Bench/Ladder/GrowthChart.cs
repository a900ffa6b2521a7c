using System.Globalization;
using System.Text;

namespace ThreeFs.Cli.Bench.Ladder;

/// <summary>
/// Processor time of an operation as the work grows, as a picture (SVG): a bar for each step of each load, the client's
/// part and the servers', and what it is of the first step's.
/// </summary>
internal static class GrowthChart
{
    private const int RowHeight = 22;
    private const int LabelWidth = 150;
    private const int BarWidth = 400;
    private const int Top = 34;

    public static string Draw(IReadOnlyList<LadderResult> results)
    {
        var loads = results.GroupBy(r => r.Load).ToArray();
        var (width, height) = (LabelWidth + BarWidth + 170, Top * loads.Length + results.Count * RowHeight + 10);
        var svg = new SvgText(width, height);
        var longest = results.Max(r => r.Cpu.Total);
        var y = 0;
        foreach (var load in loads)
        {
            svg.Text(10, y + 20, $"{load.Key.Name}: processor time of one, client + servers, µs", "start");
            y += Top;
            foreach (var result in load)
            {
                var (client, servers) = (WidthOf(result.Cpu.Client), WidthOf(result.Cpu.Total - result.Cpu.Client));
                svg.Text(LabelWidth - 8, y + 14, result.Rung, "end");
                svg.Rectangle(LabelWidth, y, client, RowHeight - 4, "#7aa6d8");
                svg.Rectangle(LabelWidth + client, y, servers, RowHeight - 4, "#e0a96d");
                var ratio = result.Cpu.Total / load.First().Cpu.Total;
                svg.Text(
                    LabelWidth + client + servers + 6, y + 14,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{result.Cpu.Client:0.0} + {result.Cpu.Total - result.Cpu.Client:0.0} ({ratio:0.00})"),
                    "start");
                y += RowHeight;
            }
        }

        return svg.ToString();

        int WidthOf(double cpu) => (int)(cpu / longest * BarWidth);
    }
}
