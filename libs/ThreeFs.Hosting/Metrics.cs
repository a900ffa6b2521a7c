using Prometheus;
using ThreeFs.Base;
using ThreeFs.Kv;

namespace ThreeFs.Hosting;

/// <summary>What every process that has a store exports about it; reads only of FoundationDB.</summary>
internal sealed class Metrics : IKvObserver
{
    private static readonly Counter _commits = Prometheus.Metrics.CreateCounter(
        "threefs_kv_commits_total", "Commits of transactions that wrote something, by result.", "status");

    private static readonly Histogram _commitSeconds = Prometheus.Metrics.CreateHistogram(
        "threefs_kv_commit_seconds", "Time of a commit.", Seconds());

    private static readonly Histogram _operations = Prometheus.Metrics.CreateHistogram(
        "threefs_kv_operations_per_commit_count", "Mutations in a commit.",
        new HistogramConfiguration { Buckets = Histogram.ExponentialBuckets(1, 2, 12) });

    private static readonly Counter _reads = Prometheus.Metrics.CreateCounter(
        "threefs_kv_reads_total", "Reads of a version, a key or a page of a range, by result.", "status");

    private static readonly Histogram _readSeconds = Prometheus.Metrics.CreateHistogram(
        "threefs_kv_read_seconds", "Time of a read until its caller goes on.", Seconds());

    public static Metrics Instance { get; } = new();

    public void CommitDone(StatusCode code, int operations, TimeSpan elapsed)
    {
        _commits.WithLabels(code.ToString()).Inc();
        _commitSeconds.Observe(elapsed.TotalSeconds);
        _operations.Observe(operations);
    }

    public void ReadDone(StatusCode code, TimeSpan elapsed)
    {
        _reads.WithLabels(code.ToString()).Inc();
        _readSeconds.Observe(elapsed.TotalSeconds);
    }

    private static HistogramConfiguration Seconds() => new() { Buckets = Histogram.ExponentialBuckets(100e-6, 2, 16) };
}
