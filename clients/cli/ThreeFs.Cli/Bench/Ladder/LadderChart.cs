using System.Globalization;

namespace ThreeFs.Cli.Bench.Ladder;

/// <summary>
/// The ladder as one picture (SVG): a row for each load, a column for each rung, and in the cell what the rung makes of
/// the raw disk's rate, from red (a fifth or less) over yellow to green (all of it or more).
/// </summary>
internal static class LadderChart
{
    private const int RowHeight = 20;
    private const int ColumnWidth = 72;
    private const int LabelWidth = 210;
    private const int Top = 52;

    public static string Draw(IReadOnlyList<LadderResult> results)
    {
        var rungs = LadderTables.Rungs(results);
        var loads = results.Select(r => r.Load).Distinct().ToArray();
        var svg = new SvgText(LabelWidth + rungs.Count * ColumnWidth + 10, Top + loads.Length * RowHeight + 10);
        svg.Text(10, 18, "Operations per second, as a share of the raw disk's", "start");
        for (var c = 0; c < rungs.Count; c++) svg.Text(CellX(c) + ColumnWidth / 2, Top - 8, rungs[c], "middle");
        for (var row = 0; row < loads.Length; row++)
        {
            var y = Top + row * RowHeight;
            svg.Text(LabelWidth - 8, y + 14, loads[row].Name, "end");
            for (var c = 0; c < rungs.Count; c++)
            {
                var result = results.FirstOrDefault(r => r.Load == loads[row] && r.Rung == rungs[c]);
                if (result is null) continue;
                DrawCell(svg, CellX(c), y, result, LadderTables.RatioTo(results, result, "raw"));
            }
        }

        return svg.ToString();
    }

    private static void DrawCell(SvgText svg, int x, int y, LadderResult result, double ratio)
    {
        svg.Rectangle(
            x, y, ColumnWidth - 2, RowHeight - 2, ColourOf(ratio),
            string.Create(
                CultureInfo.InvariantCulture,
                $"{result.Rate:0} operations/s, {result.MegabytesPerSecond:0.0} MB/s"));
        svg.Text(x + ColumnWidth / 2 - 1, y + 14, ratio.ToString("0.00", CultureInfo.InvariantCulture), "middle");
    }

    /// <summary>Hue from 0° (red) to 120° (green); light enough for black text.</summary>
    private static string ColourOf(double ratio)
    {
        if (!double.IsFinite(ratio)) return "#dddddd";
        var share = Math.Clamp((ratio - 0.2) / 0.8, 0, 1);
        return $"hsl({(int)(share * 120)},65%,70%)";
    }

    private static int CellX(int column) => LabelWidth + column * ColumnWidth;
}
