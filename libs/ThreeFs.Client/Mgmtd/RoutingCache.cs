using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Base.Tasks;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Client.Mgmtd;

public sealed record RoutingCacheOptions
{
    /// <summary>How long one question may stay open at mgmtd, waiting for news.</summary>
    public TimeSpan Wait { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Pause after a failure; doubles up to <see cref="MaxRetryDelay"/>.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromMilliseconds(50);

    public TimeSpan MaxRetryDelay { get; init; } = TimeSpan.FromSeconds(1);
}

/// <summary>
/// The newest routing snapshot this process has seen. A question stays open at mgmtd until something changes, so news arrive
/// within a round trip. The version never goes back: a smaller one (a mgmtd that lost its lease) is ignored.
/// <see cref="Current"/> may be read on any thread; it is a field read.
/// </summary>
public sealed class RoutingCache : IRoutingSource, IAsyncDisposable
{
    private readonly IMgmtdService _mgmtd;
    private readonly string _clusterId;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly RoutingCacheOptions _options;
    private readonly CancellationTokenSource _stop = new();
    private readonly Lock _lock = new();
    private volatile RoutingInfo _current = RoutingInfo.Empty;
    private TaskCompletionSource _changed = NewSignal();
    private CancellationTokenSource? _question;
    private bool _refreshWanted;
    private long? _failingSince;
    private Task? _loop;

    public RoutingCache(
        IMgmtdService mgmtd, string clusterId, TimeProvider time, ILoggerFactory logs, RoutingCacheOptions? options = null)
    {
        _mgmtd = mgmtd;
        _clusterId = clusterId;
        _time = time;
        _log = logs.CreateLogger<RoutingCache>();
        _options = options ?? new RoutingCacheOptions();
    }

    public RoutingInfo Current => _current;

    /// <summary>How long every question has failed; null while the last one was answered or is still open.</summary>
    public TimeSpan? FailingFor
    {
        get
        {
            lock (_lock) return _failingSince is { } since ? _time.GetElapsedTime(since) : null;
        }
    }

    /// <summary>Called with each new snapshot, in order, before <see cref="WaitFor"/> returns it. Must not block or throw.</summary>
    public event Action<RoutingInfo>? Changed;

    /// <summary>Begins to ask; until then the cache stays empty. Call once.</summary>
    public void Start()
    {
        Invariant.Check(_loop is null, "a routing cache is started once");
        _loop = RunAsync();
    }

    /// <summary>Asks anew at once instead of waiting out a pause or an open question. Cheap; may be called by every request.</summary>
    public void RequestRefresh()
    {
        CancellationTokenSource? question;
        lock (_lock)
        {
            if (_refreshWanted) return;
            _refreshWanted = true;
            question = _question;
        }

        Cancel(question);
    }

    /// <summary>The first snapshot, from now on, that satisfies the predicate; <see cref="StatusCode.Cancelled"/> when given up.</summary>
    public async ValueTask<Result<RoutingInfo>> WaitFor(Func<RoutingInfo, bool> predicate, CancellationToken ct)
    {
        while (true)
        {
            Task changed;
            lock (_lock) changed = _changed.Task;
            var current = _current;
            if (predicate(current)) return current;
            if (!await changed.CompletesAsync(ct) || changed.IsCanceled)
                return new Status(StatusCode.Cancelled, $"the awaited routing did not come; the newest version is {current.Version}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        if (_loop is not null) await _loop;
        lock (_lock) _changed.TrySetCanceled(_stop.Token);
    }

    private async Task RunAsync()
    {
        var failures = 0;
        while (!_stop.IsCancellationRequested)
        {
            var result = await AskAsync();
            if (result.IsOk)
            {
                failures = 0;
                lock (_lock) _failingSince = null;
                if (result.Value is { } routing) Accept(routing);
                continue;
            }

            // Given up by RequestRefresh: ask again, but let a storm of requests cost one question a pause.
            if (result.Code == StatusCode.Cancelled)
            {
                await PauseAsync(_options.RetryDelay, interruptible: false);
                continue;
            }

            lock (_lock) _failingSince ??= _time.GetTimestamp();
            if (failures == 0) MgmtdLog.RoutingRefreshFailed(_log, _current.Version.Value, result.Status);
            var doubled = _options.RetryDelay * (1 << Math.Min(failures++, 10));
            await PauseAsync(doubled < _options.MaxRetryDelay ? doubled : _options.MaxRetryDelay, interruptible: true);
        }
    }

    private async ValueTask<Result<RoutingInfo?>> AskAsync()
    {
        using var question = Open();
        try
        {
            return await _mgmtd.GetRoutingAsync(_clusterId, _current.Version, _options.Wait, question.Token);
        }
        finally
        {
            Close();
        }
    }

    private void Accept(RoutingInfo routing)
    {
        if (routing.Version <= _current.Version) return;
        TaskCompletionSource changed;
        lock (_lock)
        {
            _current = routing;
            changed = _changed;
            _changed = NewSignal();
        }

        Changed?.Invoke(routing);
        changed.TrySetResult();
    }

    /// <param name="interruptible">Whether <see cref="RequestRefresh"/> ends the pause.</param>
    private async ValueTask PauseAsync(TimeSpan time, bool interruptible)
    {
        using var pause = interruptible ? Open() : CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        await _time.PauseAsync(time, pause.Token);
        if (interruptible) Close();
    }

    private CancellationTokenSource Open()
    {
        var open = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        lock (_lock)
        {
            _question = open;
            _refreshWanted = false;
        }

        return open;
    }

    private void Close()
    {
        lock (_lock) _question = null;
    }

    private static void Cancel(CancellationTokenSource? question)
    {
        try
        {
            question?.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It was answered meanwhile; the next one starts with the newest version anyway.
        }
    }

    /// <summary>Asynchronous: a waiter must not run inside the loop, which it might dispose.</summary>
    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
