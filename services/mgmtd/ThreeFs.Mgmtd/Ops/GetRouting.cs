using ThreeFs.Base;
using ThreeFs.Base.Tasks;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.State;

namespace ThreeFs.Mgmtd.Ops;

/// <summary>
/// The newest snapshot, or null when the caller has it. A caller that is willing to wait is answered when there is a
/// newer one, when its time is over, or when this mgmtd is not the primary any more. Version 0 gets a snapshot with
/// space figures and heartbeat times of this moment.
/// </summary>
internal sealed class GetRouting(MgmtdCore core)
{
    public async ValueTask<Result<RoutingInfo?>> RunAsync(RoutingVersion have, TimeSpan wait, CancellationToken ct)
    {
        if (have.Value == 0)
        {
            var fresh = core.Read(term => Snapshots.Of(term, term.Version));
            return fresh.IsOk ? fresh.Value : fresh.Status;
        }

        using var limit = new CancellationTokenSource(
            wait < core.Timing.MaxRoutingWait ? wait : core.Timing.MaxRoutingWait, core.Time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
        while (true)
        {
            // Taken before the look: what is published between the two then completes it.
            var next = core.Board.Next;
            var answer = core.Read(term => Newer(term, have));
            if (!answer.IsOk || answer.Value is not null || wait <= TimeSpan.Zero || limit.IsCancellationRequested)
                return answer;
            if (await next.CompletesAsync(both.Token)) continue;
            if (ct.IsCancellationRequested)
                return new Status(StatusCode.Cancelled, "the caller does not wait any longer");
            return core.Read(term => Newer(term, have));
        }
    }

    private Result<RoutingInfo?> Newer(Term term, RoutingVersion have)
    {
        if (have > term.Version)
            return new Status(
                StatusCode.VersionFromFuture,
                $"you have routing version {have}, the newest is {term.Version}: this is another or an older cluster");
        return have == term.Version ? (RoutingInfo?)null : core.Board.Current;
    }
}
