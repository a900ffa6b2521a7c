using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Base.Tasks;
using ThreeFs.Contracts.Mgmtd;

namespace ThreeFs.Client.Mgmtd;

/// <summary>
/// Keeps a client process's session at mgmtd alive; while it lives, metadata servers keep the files that the process has open
/// for writing. Losing mgmtd for a while does no harm: sessions outlive many intervals, and a new primary learns them anew.
/// </summary>
public sealed class SessionLoop(
    ClientSession session, string clusterId, IMgmtdService mgmtd, TimeProvider time, ILoggerFactory logs) : IAsyncDisposable
{
    private readonly ILogger _log = logs.CreateLogger<SessionLoop>();
    private readonly CancellationTokenSource _stop = new();
    private Task? _loop;

    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Extends at once and then every interval. Call once.</summary>
    public void Start()
    {
        Invariant.Check(_loop is null, "a session loop is started once");
        _loop = RunAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        if (_loop is not null) await _loop;
    }

    private async Task RunAsync()
    {
        var failed = false;
        while (!_stop.IsCancellationRequested)
        {
            var status = await mgmtd.ExtendClientSessionAsync(clusterId, session, _stop.Token);
            if (!status.IsOk && !failed && !_stop.IsCancellationRequested) MgmtdLog.SessionFailed(_log, session.Id, status);
            failed = !status.IsOk;
            await time.PauseAsync(failed ? Interval / 10 : Interval, _stop.Token);
        }
    }
}
