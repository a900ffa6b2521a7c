using Prometheus;
using ThreeFs.Client.Storage;
using ThreeFs.Fuse.Protocol;

namespace ThreeFs.Fuse;

/// <summary>The mount's metrics. Children are looked up once, so that counting costs no allocation.</summary>
internal static class Metrics
{
    private static readonly Counter _operations = Prometheus.Metrics.CreateCounter(
        "threefs_fuse_operations_total", "Requests of the kernel that were answered.", "op");

    private static readonly Counter _errors = Prometheus.Metrics.CreateCounter(
        "threefs_fuse_errors_total", "Requests answered with an error number.", "op", "errno");

    public static readonly Counter RingOperations = Prometheus.Metrics.CreateCounter(
        "threefs_usrbio_operations_total", "Operations of rings that were completed.", "direction");

    private static readonly Histogram _latency = Prometheus.Metrics.CreateHistogram(
        "threefs_fuse_operation_seconds", "Time from a request's arrival to its reply.",
        new HistogramConfiguration { LabelNames = ["op"], Buckets = Histogram.ExponentialBuckets(0.00002, 2, 20) });

    private static readonly (Counter.Child Count, Histogram.Child Latency)[] _byOpcode =
        [.. Enumerable.Range(0, (int)FuseOpcode.TmpFile + 1).Select(MakeChildren)];

    public static readonly Counter ReadBytes = Prometheus.Metrics.CreateCounter(
        "threefs_fuse_read_bytes_total", "Bytes of file content given to the kernel.");

    public static readonly Counter WrittenBytes = Prometheus.Metrics.CreateCounter(
        "threefs_fuse_written_bytes_total", "Bytes of file content taken from the kernel.");

    public static readonly Gauge InFlight = Prometheus.Metrics.CreateGauge(
        "threefs_fuse_requests_in_flight", "Requests taken from the kernel and not answered yet.");

    public static readonly Gauge OpenFiles = Prometheus.Metrics.CreateGauge(
        "threefs_fuse_open_files", "Open files of this mount.");

    private static readonly Counter _clientReads = Prometheus.Metrics.CreateCounter(
        "threefs_client_reads_total", "Reads of chunks that were begun.");

    private static readonly Counter _clientUpdates = Prometheus.Metrics.CreateCounter(
        "threefs_client_updates_total", "Updates of chunks that were begun.");

    private static readonly Counter _clientRetries = Prometheus.Metrics.CreateCounter(
        "threefs_client_retries_total", "Attempts of reads and updates of chunks after the first.");

    private static readonly Counter _clientChecksumErrors = Prometheus.Metrics.CreateCounter(
        "threefs_client_checksum_errors_total", "Reads of chunks whose bytes did not have their checksum.");

    private static readonly Counter _clientLocalReads = Prometheus.Metrics.CreateCounter(
        "threefs_client_local_reads_total", "Reads of chunks on the device of a server of this host.");

    private static readonly Counter _clientLocalBytes = Prometheus.Metrics.CreateCounter(
        "threefs_client_local_bytes_total", "Bytes of those reads.");

    private static readonly Counter _clientLocalFailures = Prometheus.Metrics.CreateCounter(
        "threefs_client_local_failures_total", "Reads on a device that were made again through the server.");

    private static readonly Counter _clientFailures = Prometheus.Metrics.CreateCounter(
        "threefs_client_failures_total", "Reads and updates of chunks that were given up.");

    /// <summary>Takes over what the client library has counted since the process started.</summary>
    public static void Client(StorageClientCounters counters)
    {
        _clientReads.IncTo(counters.Reads);
        _clientUpdates.IncTo(counters.Updates);
        _clientRetries.IncTo(counters.Retries);
        _clientChecksumErrors.IncTo(counters.ChecksumErrors);
        _clientLocalReads.IncTo(counters.LocalReads);
        _clientLocalBytes.IncTo(counters.LocalBytes);
        _clientLocalFailures.IncTo(counters.LocalFailures);
        _clientFailures.IncTo(counters.Failures);
    }

    public static void Answered(FuseOpcode opcode, Errno result, TimeSpan took)
    {
        var (count, latency) = _byOpcode[(uint)opcode < (uint)_byOpcode.Length ? (int)opcode : 0];
        count.Inc();
        latency.Observe(took.TotalSeconds);
        if (result != Errno.Ok) _errors.WithLabels(Label((int)opcode), result.ToString()).Inc();
    }

    private static (Counter.Child Count, Histogram.Child Latency) MakeChildren(int opcode) =>
        (_operations.WithLabels(Label(opcode)), _latency.WithLabels(Label(opcode)));

    private static string Label(int opcode) =>
        Enum.GetName((FuseOpcode)opcode)?.ToLowerInvariant() ?? "unknown";
}
