using System.Collections.Immutable;
using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Base.Tasks;
using ThreeFs.Contracts.Mgmtd;

namespace ThreeFs.Client.Mgmtd;

/// <summary>
/// Tells mgmtd that this process lives, and keeps the lease that the answers grant.
/// </summary>
/// <remarks>
/// The lease counts from the moment the accepted heartbeat was <em>sent</em>, on this process's monotonic clock. mgmtd counts
/// silence from the moment it <em>received</em> it, which is later, and declares a node dead only after a longer time than the
/// lease it granted. So whoever stops serving when <see cref="HasLease"/> turns false has stopped before a successor may be
/// made authoritative, as long as the two clocks' rates differ by less than the ratio of the two times.
/// <para>A lease that ended and began again may have missed that others took the place of this process: it counts only for who
/// acts on <see cref="LeaseRouting"/> or something newer.</para>
/// <para>One heartbeat is under way at a time. Thread-safe; callbacks run on the loop, one at a time.</para>
/// </remarks>
public sealed class HeartbeatLoop : IAsyncDisposable
{
    private readonly HeartbeatOptions _options;
    private readonly IMgmtdService _mgmtd;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private CancellationTokenSource? _pause;
    private bool _kicked;
    private long _leaseEnd = long.MinValue;
    private ulong _leaseRouting;
    private ulong _generation;
    private ulong _generationStep = (ulong)TimeSpan.FromSeconds(1).Ticks;
    private ulong _sequence;
    private ulong _configVersion;
    private long _accepted;
    private Task? _loop;

    public HeartbeatLoop(HeartbeatOptions options, IMgmtdService mgmtd, TimeProvider time, ILoggerFactory logs)
    {
        _options = options;
        _mgmtd = mgmtd;
        _time = time;
        _log = logs.CreateLogger<HeartbeatLoop>();
        _generation = (ulong)time.GetUtcNow().UtcTicks;
    }

    /// <summary>May act on what it knows: the last accepted heartbeat was sent less than a lease ago. One clock read; any thread.</summary>
    public bool HasLease => _time.GetTimestamp() < Volatile.Read(ref _leaseEnd);

    /// <summary>
    /// What mgmtd knew when the lease began after a time without one: who acts on an older picture must not use the lease. Any thread; read
    /// it after <see cref="HasLease"/>.
    /// </summary>
    public RoutingVersion LeaseRouting => new(Volatile.Read(ref _leaseRouting));

    /// <summary>When the lease ends, as a timestamp of the <see cref="TimeProvider"/>; <see cref="long.MinValue"/> before the first answer.</summary>
    public long LeaseValidUntil => Volatile.Read(ref _leaseEnd);

    /// <summary>What is left of the lease; zero when it ended.</summary>
    public TimeSpan LeaseLeft
    {
        get
        {
            var (now, end) = (_time.GetTimestamp(), LeaseValidUntil);
            return end <= now ? TimeSpan.Zero : _time.GetElapsedTime(now, end);
        }
    }

    /// <summary>Heartbeats that mgmtd has accepted so far.</summary>
    public long Accepted => Volatile.Read(ref _accepted);

    /// <summary>Sends the first heartbeat at once. Call once.</summary>
    public void Start()
    {
        Invariant.Check(_loop is null, "a heartbeat loop is started once");
        _loop = RunAsync();
    }

    /// <summary>Ends when the loop was disposed, or with the exception that broke it.</summary>
    public Task Completion => _loop ?? Task.CompletedTask;

    /// <summary>A local target changed: tell mgmtd now instead of with the next interval.</summary>
    public void Kick()
    {
        CancellationTokenSource? pause;
        lock (_lock)
        {
            _kicked = true;
            pause = _pause;
        }

        try
        {
            pause?.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The pause ended by itself.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        if (_loop is not null) await _loop;
    }

    private async Task RunAsync()
    {
        var failures = 0;
        while (!_stop.IsCancellationRequested)
        {
            lock (_lock) _kicked = false;
            var sent = _time.GetTimestamp();
            var status = await BeatAsync(sent);
            if (status.IsOk)
            {
                if (failures > 0) MgmtdLog.HeartbeatRecovered(_log, _options.Node.Value, failures);
                failures = 0;
            }
            else if (!_stop.IsCancellationRequested && failures++ == 0)
            {
                MgmtdLog.HeartbeatFailed(_log, _options.Node.Value, status);
            }

            await PauseAsync(sent);
        }
    }

    private async ValueTask<Status> BeatAsync(long sent)
    {
        var targets = _options.CollectTargets is { } collect ? await collect() : ImmutableArray<LocalTarget>.Empty;
        var heartbeat = new Heartbeat(
            _options.Node, _options.Kind, _options.HostName, _options.ProcessId, _options.Endpoints,
            ++_sequence, _time.GetUtcNow(), _configVersion, targets, _generation);
        using var limit = new CancellationTokenSource(_options.Timeout, _time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, _stop.Token);
        var result = await _mgmtd.HeartbeatAsync(_options.ClusterId, heartbeat, both.Token);
        if (result.TryGet(out var reply)) Accept(reply, sent);
        else if (result.Code == StatusCode.HeartbeatOutlived || (result.Code == StatusCode.HeartbeatStale && _accepted == 0)) Renew();
        return result.Status;
    }

    private void Accept(HeartbeatReply reply, long sent)
    {
        _accepted++;
        if (!HasLease) Volatile.Write(ref _leaseRouting, reply.Routing.Value); // first: nobody sees the new lease with the old demand
        var end = sent + (long)(reply.Lease.TotalSeconds * _time.TimestampFrequency);
        Volatile.Write(ref _leaseEnd, end);
        if (reply.NewConfig is { } config && _options.OnConfig is { } apply && apply(config)) _configVersion = config.Version;
        _options.OnReply?.Invoke(reply);
    }

    /// <summary>
    /// A process of this node with a later start has been seen. When this one was never accepted, the clock went back between
    /// the two, and it is the newer one: claim a later start. When it was, it has been replaced and stays refused, until the other
    /// one has fallen silent.
    /// </summary>
    private void Renew()
    {
        _generation += _generationStep;
        _generationStep *= 2;
    }

    /// <summary>Until the interval since the last send has passed, or a kick; never less than the spacing.</summary>
    private async ValueTask PauseAsync(long sent)
    {
        await _time.PauseAsync(_options.MinSpacing - _time.GetElapsedTime(sent), _stop.Token);
        using var pause = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        lock (_lock)
        {
            if (_kicked) return;
            _pause = pause;
        }

        await _time.PauseAsync(_options.Interval - _time.GetElapsedTime(sent), pause.Token);
        lock (_lock) _pause = null;
    }
}
