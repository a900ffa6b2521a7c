using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;

namespace ThreeFs.Meta.Server;

/// <summary>
/// The rounds that keep the store small, each at its own pace with some jitter, so that servers do not march in step. A failed round is
/// reported once, until one succeeds again, and repeated; also one that ends in an exception.
/// </summary>
internal sealed class BackgroundJobs : IAsyncDisposable
{
    private static readonly TimeSpan _requestInterval = TimeSpan.FromSeconds(20);

    private readonly MetaService _service;
    private readonly MetaConfig _config;
    private readonly IMgmtdService _mgmtd;
    private readonly TimeProvider _time;
    private readonly SeededRandom _random;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task[] _loops;

    public BackgroundJobs(
        MetaService service, MetaConfig config, IMgmtdService mgmtd, TimeProvider time, SeededRandom random, ILogger log)
    {
        (_service, _config, _mgmtd, _time, _random, _log) = (service, config, mgmtd, time, random, log);
        _loops =
        [
            LoopAsync("garbage collection", config.GcInterval, CollectAsync),
            LoopAsync("session scan", config.SessionScanInterval, ScanSessionsAsync),
            LoopAsync("forgetting of old requests", _requestInterval, ForgetRequestsAsync),
        ];
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_loops);
        _stop.Dispose();
    }

    /// <param name="round">Answers whether more work is waiting.</param>
    private async Task LoopAsync(string job, TimeSpan interval, Func<CancellationToken, ValueTask<Result<bool>>> round)
    {
        var failing = false;
        while (await PauseAsync(interval))
        {
            var status = await RunAsync(round);
            if (_stop.IsCancellationRequested) return;
            if (!status.IsOk && !failing) _log.JobFailed(job, status);
            failing = !status.IsOk;
        }
    }

    private async ValueTask<Status> RunAsync(Func<CancellationToken, ValueTask<Result<bool>>> round)
    {
        try
        {
            Result<bool> more;
            do more = await round(_stop.Token);
            while (more is { IsOk: true, Value: true } && !_stop.IsCancellationRequested);
            return more.Status;
        }
        catch (Exception e)
        {
            return new Status(StatusCode.Internal, e.ToString());
        }
    }

    private async ValueTask<Result<bool>> CollectAsync(CancellationToken ct)
    {
        var result = await _service.Garbage.RunRoundAsync(ct);
        if (!result.TryGet(out var round)) return result.Status;
        if (round.Failed != 0) _log.GarbageFailed(round.Failed);
        return round.More && round.Failed == 0;
    }

    private async ValueTask<Result<bool>> ScanSessionsAsync(CancellationToken ct)
    {
        var clients = await _mgmtd.ListClientSessionsAsync(_config.ClusterId, ct);
        if (!clients.IsOk) return clients.Status;
        var pruned = await _service.Sessions.RunRoundAsync(clients.Value, ct);
        if (!pruned.IsOk) return pruned.Status;
        if (pruned.Value != 0) _log.SessionsPruned(pruned.Value);
        var unlocked = await _service.Locks.RunRoundAsync(clients.Value, ct);
        if (!unlocked.IsOk) return unlocked.Status;
        if (unlocked.Value != 0) _log.LocksPruned(unlocked.Value);
        return false;
    }

    private ValueTask<Result<bool>> ForgetRequestsAsync(CancellationToken ct) => _service.Requests.RunRoundAsync(ct);

    private async ValueTask<bool> PauseAsync(TimeSpan interval)
    {
        double jitter;
        lock (_random) jitter = 0.8 + 0.4 * _random.NextDouble();
        try
        {
            await Task.Delay(interval * jitter, _time, _stop.Token);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
