using Microsoft.Extensions.Logging;
using ThreeFs.Fuse.Tables;

namespace ThreeFs.Fuse.Cluster;

/// <summary>
/// What a mount does by itself, once a second: reports of files that stay open for writing, sessions of long readers,
/// sessions to end. A failure is logged and tried again with the next round.
/// </summary>
internal sealed class Housekeeping(
    ClusterContext context, LengthReporter reporter, ReaderSessions readers, SessionEnder ender,
    LockOps locks) : IAsyncDisposable
{
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(1);
    private const int MaxParallel = 16;

    private readonly CancellationTokenSource _stop = new();
    private Task? _loop;
    private long _reportedAt;

    public void Start()
    {
        _reportedAt = context.Now;
        _loop = Task.Run(RunAsync);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        if (_loop is not null) await _loop;
    }

    internal async Task RunOnceAsync(CancellationToken ct)
    {
        var open = context.Inodes.AllOpen();
        Metrics.OpenFiles.Set(context.Files.Count);
        var limits = new ParallelOptions { MaxDegreeOfParallelism = MaxParallel, CancellationToken = ct };
        if (context.Time.GetElapsedTime(_reportedAt) >= context.Options.SyncInterval)
        {
            _reportedAt = context.Now;
            await Parallel.ForEachAsync(open.Where(i => i.IsDirty), limits, ReportAsync);
        }

        await Parallel.ForEachAsync(open.Where(IsLongReader), limits, readers.RegisterAsync);
        await ender.RunOnceAsync(ct);
        await locks.RunOnceAsync(ct);
    }

    private bool IsLongReader(InodeState inode) =>
        inode.KeepOpen.Registered is null
        && context.Inodes.OpenCounts(inode) is { Opens: > 0, Writers: 0 }
        && context.Time.GetElapsedTime(inode.OpenedAt) >= context.Options.KeepOpenAfter;

    private async ValueTask ReportAsync(InodeState inode, CancellationToken ct)
    {
        var status = await reporter.ReportAsync(inode, context.Self(), ct);
        if (!status.IsOk && !ct.IsCancellationRequested) Log.ReportFailed(context.Log, inode.Id, status);
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await Task.Delay(_pause, context.Time, _stop.Token);
                await RunOnceAsync(_stop.Token);
            }
            catch (OperationCanceledException) when (_stop.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                Log.HousekeepingFailed(context.Log, e);
            }
        }
    }
}
