using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.RegularExpressions;
using Prometheus;
using ThreeFs.Fuse;
using ThreeFs.Hosting;
using ThreeFs.Meta.Server;
using ThreeFs.Mgmtd.Server;
using ThreeFs.Storage.Server;

namespace ThreeFs.Cli.Tests.Operations;

internal sealed record DeclaredMetric(string Name, string Type, string[] Labels);

/// <summary>What the processes of a cluster export: the metrics of every class `Metrics`, read from the registry that serves /metrics.</summary>
internal static partial class DeclaredMetrics
{
    private static readonly Type[] _ofEachRole =
        [typeof(MgmtdConfig), typeof(MetaConfig), typeof(StorageConfig), typeof(MountConfig), typeof(KvStores)];

    /// <summary>Name → type of everything in the registry, that of the runtime included.</summary>
    public static async Task<Dictionary<string, string>> RegistryAsync()
    {
        foreach (var type in MetricsTypes()) RuntimeHelpers.RunClassConstructor(type.TypeHandle);
        using var text = new MemoryStream();
        await Prometheus.Metrics.DefaultRegistry.CollectAndExportAsTextAsync(text);
        return TypeLine().Matches(Encoding.UTF8.GetString(text.ToArray()))
            .ToDictionary(m => m.Groups["name"].Value, m => m.Groups["type"].Value);
    }

    /// <summary>ThreeFs's own, with labels; each has to be held by a field of its class `Metrics`, where the labels are read.</summary>
    public static async Task<IReadOnlyDictionary<string, DeclaredMetric>> OwnAsync()
    {
        var registry = await RegistryAsync();
        var collectors = MetricsTypes()
            .SelectMany(t => t.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
            .Select(f => f.GetValue(null)).OfType<Collector>().ToDictionary(c => c.Name);
        return registry.Where(p => p.Key.StartsWith("threefs_", StringComparison.Ordinal))
            .ToDictionary(p => p.Key, p => new DeclaredMetric(p.Key, p.Value, collectors[p.Key].LabelNames));
    }

    private static IEnumerable<Type> MetricsTypes() => _ofEachRole.Select(t => t.Assembly.GetType($"{t.Namespace}.Metrics", throwOnError: true)!);

    [GeneratedRegex(@"^# TYPE (?<name>\S+) (?<type>\S+)$", RegexOptions.Multiline)]
    private static partial Regex TypeLine();
}
