using System.Text.Json;
using System.Text.RegularExpressions;

namespace ThreeFs.Cli.Tests.Operations;

/// <summary>Documents, alerts and dashboard name the metrics that the processes export, and no others.</summary>
public sealed partial class MetricsTests
{
    private const string Document = "docs/operations/metrics.md";
    private const string Rules = "ops/prometheus/rules.yml";
    private const string Dashboard = "ops/grafana/threefs.json";

    [Fact]
    public async Task The_document_lists_every_metric_with_type_and_labels_and_no_other()
    {
        var declared = (await DeclaredMetrics.OwnAsync()).Values
            .Select(m => $"{m.Name} {m.Type} {string.Join(", ", m.Labels)}".TrimEnd());
        var documented = DocumentRow().Matches(SourceTree.Read(Document))
            .Select(m => $"{m.Groups["name"]} {m.Groups["type"]} {m.Groups["labels"].Value.Trim()}".TrimEnd());
        Assert.Equal(declared.Order(StringComparer.Ordinal), documented.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Metrics_are_declared_only_in_the_classes_that_the_document_is_compared_with()
    {
        var files = new[] { "libs", "services", "clients" }.Select(f => Path.Combine(SourceTree.Root, f))
            .SelectMany(f => Directory.EnumerateFiles(f, "*.cs", SearchOption.AllDirectories));
        var created = files.SelectMany(f => Creation().Matches(File.ReadAllText(f))).Select(m => m.Groups["name"].Value);
        Assert.Equal((await DeclaredMetrics.OwnAsync()).Keys.Order(StringComparer.Ordinal), created.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData(Rules, 15)]
    [InlineData(Dashboard, 25)]
    public async Task Every_metric_that_is_asked_for_exists_with_the_labels_that_are_asked_for(string file, int atLeast)
    {
        var registry = await DeclaredMetrics.RegistryAsync();
        var own = await DeclaredMetrics.OwnAsync();
        var used = Usage().Matches(SourceTree.Read(file).Replace("\\\"", "\"", StringComparison.Ordinal));
        Assert.True(used.Count >= atLeast, $"{file} asks for {used.Count} metrics");
        foreach (Match match in used)
        {
            var name = NameOf(match.Groups["name"].Value, registry);
            Assert.True(registry.ContainsKey(name), $"{file} asks for {match.Groups["name"].Value}, which nobody exports");
            if (!own.TryGetValue(name, out var metric)) continue;
            var labels = Label().Matches(match.Groups["labels"].Value).Select(m => m.Groups["label"].Value);
            Assert.All(labels, l => Assert.Contains(l, (string[])[.. metric.Labels, "instance", "job", "le"]));
        }
    }

    [Fact]
    public async Task Every_label_that_is_grouped_by_exists()
    {
        var known = new HashSet<string> { "instance", "job", "le" };
        foreach (var metric in (await DeclaredMetrics.OwnAsync()).Values) known.UnionWith(metric.Labels);
        foreach (var file in new[] { Rules, Dashboard })
        {
            var labels = Grouping().Matches(SourceTree.Read(file))
                .SelectMany(m => m.Groups["labels"].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries));
            Assert.All(labels, l => Assert.Contains(l, known));
        }
    }

    [Fact]
    public void The_dashboard_is_json_with_panels_that_do_not_overlap()
    {
        using var dashboard = JsonDocument.Parse(SourceTree.Read(Dashboard));
        var cells = new HashSet<(int X, int Y)>();
        foreach (var panel in dashboard.RootElement.GetProperty("panels").EnumerateArray())
        {
            var at = panel.GetProperty("gridPos");
            int x = at.GetProperty("x").GetInt32(), y = at.GetProperty("y").GetInt32();
            int w = at.GetProperty("w").GetInt32(), h = at.GetProperty("h").GetInt32();
            Assert.True(x + w <= 24, panel.GetProperty("title").GetString());
            for (var i = 0; i < w * h; i++) Assert.True(cells.Add((x + i % w, y + i / w)), panel.GetProperty("title").GetString());
        }
    }

    /// <summary>The metric behind a histogram's series.</summary>
    private static string NameOf(string used, Dictionary<string, string> registry)
    {
        var name = Regex.Replace(used, "_(bucket|sum|count)$", "");
        return registry.GetValueOrDefault(name) == "histogram" ? name : used;
    }

    [GeneratedRegex(@"^\| `(?<name>threefs_\w+)` \| (?<type>\w+) \|(?<labels>[\w, ]*)\| .{10,} \|$", RegexOptions.Multiline)]
    private static partial Regex DocumentRow();

    [GeneratedRegex(@"Create(Counter|Gauge|Histogram|Summary)\(\s*""(?<name>\w+)""")]
    private static partial Regex Creation();

    [GeneratedRegex(@"\b(?<name>(threefs|process|dotnet|system_runtime)_\w+)(\{(?<labels>[^}]*)\})?")]
    private static partial Regex Usage();

    [GeneratedRegex(@"(?<label>\w+)\s*(=~|!~|!=|=)")]
    private static partial Regex Label();

    [GeneratedRegex(@"\b(by|on|without|ignoring) ?\((?<labels>[^)]*)\)")]
    private static partial Regex Grouping();
}
