using System.Xml.Linq;
using ThreeFs.Base;
using ThreeFs.Cli.Bench;
using ThreeFs.Cli.Bench.Ladder;

namespace ThreeFs.Cli.Tests.Bench;

public sealed class LadderTests
{
    private static readonly Workload _small = LadderLoads.All.First(l => l is { Size: 4096, Depth: 32, IsWrite: false, IsSequential: false });
    private static readonly Workload _large = LadderLoads.All.First(l => l is { Size: 4 << 20, Depth: 1, IsWrite: true, IsSequential: true });

    /// <summary>The chain does not take the large one.</summary>
    private static readonly LadderResult[] _results =
    [
        Result(_small, "raw", 1000), Result(_small, "chain×3", 500), Result(_small, "mount", 250),
        Result(_large, "raw", 100), Result(_large, "mount", 90),
    ];

    private static readonly LadderResult[] _growth =
    [
        Result(_small, "1 client, 1 file", 1000) with { Cpu = new LadderCpu(4, null, 6) },
        Result(_small, "64 clients", 500) with { Cpu = new LadderCpu(4, null, 12) },
    ];

    [Fact]
    public void Loads_are_reads_and_writes_random_and_sequential_of_every_size_with_different_names()
    {
        Assert.Equal(LadderLoads.All.Count, LadderLoads.All.Select(l => l.Name).Distinct().Count());
        Assert.Equal(4 * LadderLoads.Sizes.Length, LadderLoads.All.Select(l => (l.IsWrite, l.IsSequential, l.Size)).Distinct().Count());
        Assert.Contains(LadderLoads.All, l => l.Name == "random read 4KiB ×128");
        Assert.Contains(LadderLoads.All, l => l.Name == "sequential write 4MiB ×1");
        Assert.All(LadderLoads.All, l => Assert.True((long)l.Size * l.Depth <= LadderLoads.MaxInFlight));
    }

    [Fact]
    public void A_lane_keeps_to_its_part_and_goes_through_it_in_order_when_it_is_sequential()
    {
        const long fileBytes = 1 << 20;
        var random = new SeededRandom(1);
        var inOrder = new Workload("", 4096, 4, false, IsSequential: true);
        Assert.Equal([fileBytes / 4, fileBytes / 4 + 4096], Enumerable.Range(0, 2).Select(i => inOrder.OffsetOf(1, i, fileBytes, random)));
        Assert.Equal(fileBytes / 4, inOrder.OffsetOf(1, fileBytes / 4 / 4096, fileBytes, random));
        var anywhere = inOrder with { IsSequential = false };
        for (var i = 0; i < 1000; i++)
        {
            var offset = anywhere.OffsetOf(3, i, fileBytes, random);
            Assert.InRange(offset, fileBytes / 4 * 3, fileBytes - 4096);
            Assert.Equal(0, offset % 4096);
        }
    }

    [Fact]
    public void Ratios_are_to_the_rung_below_that_took_the_load()
    {
        var lines = LadderTables.Terminal(_results).Split('\n');
        Assert.Equal("OPERATIONS PER SECOND     raw   chain×3     mount", lines[0]);
        Assert.Equal("random read 4KiB ×32      1000  500 (0.50)  250 (0.50)", lines[1]);
        Assert.Equal("sequential write 4MiB ×1  100   -           90 (0.90)", lines[2]);
        var csv = LadderTables.Csv(_results).Split('\n');
        Assert.Equal("random read 4KiB ×32,raw,1000,4.1,1,2,3,4.0,,,-,1.00", csv[1]);
        Assert.Equal("random read 4KiB ×32,mount,250,1.0,1,2,3,4.0,5.0,6.0,0.50,0.25", csv[3]);
    }

    [Fact]
    public void A_page_has_three_tables_for_each_kind_of_load_with_a_column_for_each_rung()
    {
        var page = LadderTables.Markdown(_results);
        Assert.Equal(["## Random reads", "## Sequential writes"], page.Split('\n').Where(l => l.StartsWith("## ", StringComparison.Ordinal)));
        Assert.Contains("| operations/s | raw | chain×3 | mount |\n|---|---|---|---|\n| 4KiB ×32 | 1000 | 500 (0.50) | 250 (0.50) |\n", page);
        Assert.Contains("| CPU µs | raw | mount |\n|---|---|---|\n| 4MiB ×1 | 4.0 | 4.0 + 5.0 + 6.0 |\n", page);
        Assert.Contains("| p50 / p99 / p99.9 µs | raw | mount |\n|---|---|---|\n| 4MiB ×1 | 1 / 2 / 3 | 1 / 2 / 3 |\n", page);
    }

    [Fact]
    public void A_report_of_fio_is_read()
    {
        var latencies = new LatencyHistogram();
        var run = FioRung.Parse(
            """
            {"jobs": [{"usr_cpu": 10.0, "sys_cpu": 30.0,
                "read": {"iops": 0, "lat_ns": {"min": 0}},
                "write": {"iops": 40000.5, "lat_ns": {"percentile": {"50.000000": 20000, "99.000000": 50000, "99.900000": 90000}}}}]}
            """,
            "write", latencies);
        Assert.Equal(40000.5, run.Rate);
        Assert.Equal(10, run.ClientCpu!.Value, 2);
        foreach (var (percent, latency) in new[] { (50.0, 20.0), (99.0, 50.0), (99.9, 90.0) })
            Assert.InRange(latencies.Percentile(percent).TotalMicroseconds, latency, latency * 1.04);
    }

    [Fact]
    public void The_chart_is_an_SVG_with_a_cell_for_every_result()
    {
        var chart = XDocument.Parse(LadderChart.Draw(_results));
        XNamespace svg = "http://www.w3.org/2000/svg";
        Assert.Equal(_results.Length, chart.Descendants(svg + "title").Count());
        Assert.Contains(chart.Descendants(svg + "text"), t => t.Value == "0.25");
    }

    [Fact]
    public void The_chart_of_growth_has_a_bar_for_each_step_and_its_ratio_to_the_first()
    {
        var chart = XDocument.Parse(GrowthChart.Draw(_growth));
        XNamespace svg = "http://www.w3.org/2000/svg";
        var widths = chart.Descendants(svg + "rect").Skip(1).Select(r => (int)r.Attribute("width")!).ToArray();
        Assert.Equal([100, 150, 100, 300], widths);
        Assert.Contains(chart.Descendants(svg + "text"), t => t.Value == "4.0 + 12.0 (1.60)");
    }

    [Fact]
    public void A_page_links_its_chart_and_its_numbers()
    {
        var directory = Directory.CreateTempSubdirectory().FullName;
        try
        {
            var page = Path.Combine(directory, "page.md");
            var written = new LadderPage(_results, _growth, "3 rounds of 0.25 s", DateTimeOffset.UnixEpoch);
            Assert.Equal(Status.Ok, written.Write(page));
            var text = File.ReadAllText(page);
            Assert.Contains("| random read 4KiB ×32 | 64 clients | 500 | 4.0 + 12.0 (1.60) |", text);
            Assert.Contains("3 rounds of 0.25 s", text);
            foreach (var linked in new[] { "page.svg", "page.csv", "page-growth.svg" })
            {
                Assert.Contains($"({linked})", text);
                Assert.True(File.Exists(Path.Combine(directory, linked)));
            }

            Assert.Equal(StatusCode.IoError, written.Write($"{directory}/none/page.md").Code);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static LadderResult Result(Workload load, string rung, double rate) => new(
        load, rung, rate, TimeSpan.FromMicroseconds(1), TimeSpan.FromMicroseconds(2), TimeSpan.FromMicroseconds(3),
        rung == "mount" ? new LadderCpu(4, 5, 6) : new LadderCpu(4, null, null));
}
