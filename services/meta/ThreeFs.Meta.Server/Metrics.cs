using Prometheus;
using ThreeFs.Base;

namespace ThreeFs.Meta.Server;

/// <summary>Every metric of a metadata server.</summary>
internal sealed class Metrics : IMetaObserver
{
    private static readonly Counter _operations = Prometheus.Metrics.CreateCounter(
        "threefs_meta_operations_total", "Operations by result.", "operation", "status");

    private static readonly Histogram _latency = Prometheus.Metrics.CreateHistogram(
        "threefs_meta_operation_seconds", "Time of an operation, including waits for storage and commits.",
        new HistogramConfiguration { LabelNames = ["operation"], Buckets = Histogram.ExponentialBuckets(20e-6, 2.5, 16) });

    private static readonly Counter _collected = Prometheus.Metrics.CreateCounter(
        "threefs_meta_garbage_collected_total", "Removed inodes whose chunks are gone, by result.", "result");

    private static readonly Gauge _garbageDue = Prometheus.Metrics.CreateGauge(
        "threefs_meta_garbage_due_count", "Inodes due for collection, as the last round saw (capped at one round's batch).");

    private static readonly Gauge _sessions = Prometheus.Metrics.CreateGauge(
        "threefs_meta_sessions_count", "Files open for writing, as the last scan saw.");

    private static readonly Counter _pruned = Prometheus.Metrics.CreateCounter(
        "threefs_meta_sessions_pruned_total", "Sessions ended because their client is gone.");

    public static readonly Gauge InFlight = Prometheus.Metrics.CreateGauge(
        "threefs_meta_requests_in_flight_count", "Data-plane requests being worked on.");

    public void OperationDone(string operation, StatusCode code, TimeSpan elapsed)
    {
        _operations.WithLabels(operation, code.ToString()).Inc();
        _latency.WithLabels(operation).Observe(elapsed.TotalSeconds);
    }

    public void GarbageCollected(int removed, int failed, int waiting)
    {
        _collected.WithLabels("removed").Inc(removed);
        _collected.WithLabels("failed").Inc(failed);
        _garbageDue.Set(waiting);
    }

    public void SessionsScanned(int alive, int pruned)
    {
        _sessions.Set(alive);
        _pruned.Inc(pruned);
    }
}
