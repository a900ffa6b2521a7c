using Prometheus;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Mgmtd.Server;

/// <summary>What a mgmtd process exports; only the primary has a picture of the cluster to show.</summary>
internal static class Metrics
{
    private static readonly Gauge _primary = Prometheus.Metrics.CreateGauge(
        "threefs_mgmtd_primary", "1 when this mgmtd is the primary");
    private static readonly Gauge _term = Prometheus.Metrics.CreateGauge(
        "threefs_mgmtd_term", "Term in which this mgmtd is primary or was last");
    private static readonly Gauge _nodes = Prometheus.Metrics.CreateGauge(
        "threefs_mgmtd_nodes", "Nodes by kind and state", "kind", "state");
    private static readonly Gauge _chains = Prometheus.Metrics.CreateGauge(
        "threefs_mgmtd_chains",
        "Chains by state: full (all serve), syncing, partial (some serve), unavailable (none serves)", "state");
    private static readonly Gauge _targets = Prometheus.Metrics.CreateGauge(
        "threefs_mgmtd_targets", "Targets of chains by public state", "state");
    private static readonly Gauge _sessions = Prometheus.Metrics.CreateGauge(
        "threefs_mgmtd_client_sessions", "Client processes with a session");
    private static readonly Gauge _orphans = Prometheus.Metrics.CreateGauge(
        "threefs_mgmtd_orphan_targets", "Targets that are reported and in no chain");

    public static readonly Counter Heartbeats = Prometheus.Metrics.CreateCounter(
        "threefs_mgmtd_heartbeats_total", "Heartbeats by kind of node and result", "kind", "result");

    public static readonly Histogram OpSeconds = Prometheus.Metrics.CreateHistogram(
        "threefs_mgmtd_op_seconds", "Duration of operations; waiting for newer routing is not counted",
        new HistogramConfiguration { LabelNames = ["op"], Buckets = Histogram.ExponentialBuckets(0.0001, 2, 16) });

    public static readonly Counter OpFailures = Prometheus.Metrics.CreateCounter(
        "threefs_mgmtd_op_failures_total", "Operations that were refused or failed", "op", "code");

    private static RoutingInfo? _shown;

    public static void Fill(MgmtdService mgmtd)
    {
        var picture = mgmtd.Picture;
        _primary.Set(picture is null ? 0 : 1);
        _term.Set(mgmtd.Term);
        _sessions.Set(mgmtd.SessionCount);
        _orphans.Set(mgmtd.OrphanCount);
        picture ??= RoutingInfo.Empty;
        if (ReferenceEquals(_shown, picture)) return;
        _shown = picture;
        foreach (var kind in Enum.GetValues<NodeKind>())
        {
            foreach (var state in Enum.GetValues<NodeState>())
                _nodes.WithLabels(Name(kind), Name(state))
                    .Set(picture.Nodes.Values.Count(n => n.Kind == kind && n.State == state));
        }

        foreach (var state in Enum.GetValues<TargetState>())
            _targets.WithLabels(Name(state)).Set(picture.Targets.Values.Count(t => t.State == state));
        foreach (var state in new[] { "full", "syncing", "partial", "unavailable" })
            _chains.WithLabels(state).Set(picture.Chains.Values.Count(c => StateOf(c) == state));
    }

    /// <summary>A chain is whole when every target serves that it wants.</summary>
    internal static string StateOf(ChainInfo chain)
    {
        if (chain.Targets.All(t => t.State == TargetState.Serving || chain.IsLeaving(t.Id))) return "full";
        if (chain.Targets.All(t => t.State != TargetState.Serving)) return "unavailable";
        return chain.Targets.Any(t => t.State == TargetState.Syncing) ? "syncing" : "partial";
    }

    internal static string Name<T>(T value)
        where T : struct, Enum =>
        string.Concat(value.ToString().Select(
            (c, i) => char.IsUpper(c) && i > 0 ? $"_{char.ToLowerInvariant(c)}" : $"{char.ToLowerInvariant(c)}"));
}
