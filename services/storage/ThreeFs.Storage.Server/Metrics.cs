using Prometheus;
using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Storage.Server;

/// <summary>
/// Everything a storage server measures. Names are part of dashboards. Children are looked up once for each method and code, so that
/// counting allocates nothing.
/// </summary>
internal static class Metrics
{
    private static readonly string[] _methods = Enum.GetNames<StorageMethod>();
    private static readonly StorageMethod[] _values = Enum.GetValues<StorageMethod>();

    private static readonly Counter _ops = Prometheus.Metrics.CreateCounter(
        "threefs_storage_ops_total", "Requests answered, by method and status.", "method", "status");

    private static readonly Histogram _latency = Prometheus.Metrics.CreateHistogram(
        "threefs_storage_op_seconds", "Time from a request's complete arrival to its answer, by method.",
        new HistogramConfiguration { LabelNames = ["method"], Buckets = Histogram.ExponentialBuckets(16e-6, 2, 20) });

    private static readonly Counter _bytes = Prometheus.Metrics.CreateCounter(
        "threefs_storage_bytes_total", "Payload bytes, by direction.", "direction");

    public static readonly Counter.Child BytesRead = _bytes.WithLabels("read");

    /// <summary>Bytes whose place was told to a client of this host, which reads them by itself.</summary>
    public static readonly Counter.Child BytesLocated = _bytes.WithLabels("located");
    public static readonly Counter.Child BytesWritten = _bytes.WithLabels("written");
    public static readonly Counter.Child BytesForwarded = _bytes.WithLabels("forwarded");

    public static readonly Gauge InFlight = Prometheus.Metrics.CreateGauge(
        "threefs_storage_requests_in_flight", "Requests being worked on.");

    private static readonly Counter _forwards = Prometheus.Metrics.CreateCounter(
        "threefs_storage_forwards_total", "Attempts to hand an update to the successor, by status.", "status");

    public static readonly Histogram ForwardLatency = Prometheus.Metrics.CreateHistogram(
        "threefs_storage_forward_seconds", "Time of one attempt to hand an update to the successor.",
        new HistogramConfiguration { Buckets = Histogram.ExponentialBuckets(16e-6, 2, 20) });

    private static readonly Counter _askedTail = Prometheus.Metrics.CreateCounter(
        "threefs_storage_tail_questions_total", "Reads that had to ask the tail what is committed, by status.", "status");

    public static readonly Counter ResyncChunks = Prometheus.Metrics.CreateCounter(
        "threefs_storage_resync_chunks_total", "Chunks sent to syncing successors.");

    public static readonly Counter ResyncRemovals = Prometheus.Metrics.CreateCounter(
        "threefs_storage_resync_removals_total", "Chunks removed on syncing successors.");

    public static readonly Counter ResyncBytes = Prometheus.Metrics.CreateCounter(
        "threefs_storage_resync_bytes_total", "Bytes sent to syncing successors.");

    private static readonly Counter _repairs = Prometheus.Metrics.CreateCounter(
        "threefs_storage_repairs_total", "Damaged chunks, by outcome of the repair.", "outcome");

    private static readonly Counter.Child _repaired = _repairs.WithLabels("repaired");
    private static readonly Counter.Child _unrepaired = _repairs.WithLabels("failed");

    private static readonly Histogram _diskProbe = Prometheus.Metrics.CreateHistogram(
        "threefs_storage_disk_probe_seconds", "Time of a write of 4 KiB with its flush, once a second on each disk.",
        new HistogramConfiguration { LabelNames = ["disk"], Buckets = Histogram.ExponentialBuckets(64e-6, 4, 12) });

    private static readonly Gauge _diskFit = Prometheus.Metrics.CreateGauge(
        "threefs_storage_disk_fit", "1 while the targets of a disk may serve; 0: it hangs, fails or is too slow.", "disk");

    private static readonly Counter _expiredHolds = Prometheus.Metrics.CreateCounter(
        "threefs_storage_expired_holds_total", "Times that a client of this host did not say in time that it has read what it was told the place of.");

    public static readonly Counter ReadErrors = Prometheus.Metrics.CreateCounter(
        "threefs_storage_read_errors_total", "Reads of chunks that a disk answered with an error.");

    public static readonly Counter ScrubbedBytes = Prometheus.Metrics.CreateCounter(
        "threefs_storage_scrubbed_bytes_total", "Bytes that the scrubbers read to look for damage.");

    private static readonly Gauge _scrubPasses = Prometheus.Metrics.CreateGauge(
        "threefs_storage_scrub_passes", "Passes over all its chunks that a target's scrubber completed since it was opened.", "target");

    private static readonly Gauge _damaged = Prometheus.Metrics.CreateGauge(
        "threefs_storage_damaged_chunks", "Chunks of a target whose stored bytes are damaged and not repaired yet.", "target");

    private static readonly Gauge _targetState = Prometheus.Metrics.CreateGauge(
        "threefs_storage_target_state", "1 for the public state a target is in.", "target", "chain", "state");

    private static readonly Gauge _localState = Prometheus.Metrics.CreateGauge(
        "threefs_storage_target_local_state", "1 for the state a target reports.", "target", "state");

    private static readonly Gauge _chainVersion = Prometheus.Metrics.CreateGauge(
        "threefs_storage_chain_version", "Version of the chain a target acts on.", "target", "chain");

    private static readonly Gauge _used = Prometheus.Metrics.CreateGauge(
        "threefs_storage_target_used_bytes", "Bytes of blocks that hold chunks.", "target");

    private static readonly Gauge _free = Prometheus.Metrics.CreateGauge(
        "threefs_storage_disk_free_bytes", "Bytes free on a disk.", "disk");

    private static readonly Gauge _capacity = Prometheus.Metrics.CreateGauge(
        "threefs_storage_disk_capacity_bytes", "Bytes a disk has.", "disk");

    private static readonly Gauge _chunks = Prometheus.Metrics.CreateGauge(
        "threefs_storage_target_chunks", "Chunks a target holds.", "target");

    private static readonly Gauge _inFlight = Prometheus.Metrics.CreateGauge(
        "threefs_storage_target_in_flight", "Reads and locked chunks of a target under way.", "target");

    private static readonly Gauge _resyncCompared = Prometheus.Metrics.CreateGauge(
        "threefs_storage_resync_compared_chunks", "Chunks compared so far by the newest resync of a target's successor.", "target");

    private static readonly Gauge _resyncTotal = Prometheus.Metrics.CreateGauge(
        "threefs_storage_resync_total_chunks", "Chunks that the newest resync of a target's successor has to compare, about.", "target");

    public static readonly Gauge HasLease = Prometheus.Metrics.CreateGauge(
        "threefs_storage_has_lease", "1 while mgmtd has heard from this node recently enough that it may serve.");

    private static readonly Histogram.Child[] _latencies = [.. _methods.Select(m => _latency.WithLabels(m))];
    private static readonly Dictionary<StatusCode, Counter.Child>[] _counters = [.. _methods.Select(_ => new Dictionary<StatusCode, Counter.Child>())];
    private static readonly Dictionary<StatusCode, Counter.Child> _forwardCounters = [];
    private static readonly Dictionary<StatusCode, Counter.Child> _tailCounters = [];

    public static void Operation(StorageMethod method, StatusCode code, double seconds)
    {
        var i = Array.IndexOf(_values, method);
        if (i < 0) return;
        _latencies[i].Observe(seconds);
        Child(_counters[i], code, static (c, state) => _ops.WithLabels(_methods[state], c.ToString()), i).Inc();
    }

    public static void Forwarded(StatusCode code, double seconds)
    {
        ForwardLatency.Observe(seconds);
        Child(_forwardCounters, code, static (c, _) => _forwards.WithLabels(c.ToString()), 0).Inc();
    }

    public static void HoldExpired() => _expiredHolds.Inc();

    public static void AskedTail(StatusCode code) => Child(_tailCounters, code, static (c, _) => _askedTail.WithLabels(c.ToString()), 0).Inc();

    public static void Repaired(bool succeeded) => (succeeded ? _repaired : _unrepaired).Inc();

    /// <summary>After a change of place or standing; the target's own thread.</summary>
    public static void Target(Targets.Replica replica)
    {
        var (target, chain) = (replica.Target.ToString(), replica.Chain.ToString());
        foreach (var state in Enum.GetValues<TargetState>())
            _targetState.WithLabels(target, chain, state.ToString()).Set(replica.Place.State == state ? 1 : 0);
        foreach (var state in Enum.GetValues<LocalTargetState>())
            _localState.WithLabels(target, state.ToString()).Set(replica.Standing.Local == state ? 1 : 0);
        _chainVersion.WithLabels(target, chain).Set(replica.Place.Chain.Version.Value);
    }

    /// <summary>Figures that change with time; any thread.</summary>
    public static void Progress(Targets.Replica replica)
    {
        var target = replica.Target.ToString();
        _chunks.WithLabels(target).Set(replica.Store.ChunkCount);
        var resync = replica.Resync.Report(replica.Store.ChunkCount, replica.Services.Time);
        _resyncCompared.WithLabels(target).Set(resync.ComparedChunks);
        _resyncTotal.WithLabels(target).Set(resync.TotalChunks);
        _scrubPasses.WithLabels(target).Set(replica.Scrub.Passes);
        _damaged.WithLabels(target).Set(replica.DamagedChunks);
        _used.WithLabels(target).Set(replica.UsedBytes);
        _inFlight.WithLabels(target).Set(replica.InFlight);
    }

    public static void DiskProbed(int disk, TimeSpan took) => _diskProbe.WithLabels(Name(disk)).Observe(took.TotalSeconds);

    public static void DiskFit(int disk, bool isFit) => _diskFit.WithLabels(Name(disk)).Set(isFit ? 1 : 0);

    private static string Name(int disk) => disk.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>A target that is no more leaves no figures behind.</summary>
    public static void Forget(Targets.Replica replica)
    {
        var (target, chain) = (replica.Target.ToString(), replica.Chain.ToString());
        foreach (var state in Enum.GetValues<TargetState>()) _targetState.RemoveLabelled(target, chain, state.ToString());
        foreach (var state in Enum.GetValues<LocalTargetState>()) _localState.RemoveLabelled(target, state.ToString());
        _chainVersion.RemoveLabelled(target, chain);
        foreach (var gauge in new[] { _chunks, _resyncCompared, _resyncTotal, _scrubPasses, _damaged, _used, _inFlight }) gauge.RemoveLabelled(target);
    }

    public static void Disk(in DiskSpace space)
    {
        var disk = Name(space.DiskIndex);
        _free.WithLabels(disk).Set(space.FreeBytes);
        _capacity.WithLabels(disk).Set(space.CapacityBytes);
    }

    /// <summary>Few codes occur, and each is made once; reactors share the dictionaries.</summary>
    private static Counter.Child Child(
        Dictionary<StatusCode, Counter.Child> children, StatusCode code, Func<StatusCode, int, Counter.Child> make, int state)
    {
        lock (children)
        {
            if (!children.TryGetValue(code, out var child)) children.Add(code, child = make(code, state));
            return child;
        }
    }
}
