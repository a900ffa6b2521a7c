using ThreeFs.Base;
using ThreeFs.Base.Tasks;
using ThreeFs.Mgmtd.Lease;
using ThreeFs.Mgmtd.State;

namespace ThreeFs.Mgmtd.Background;

/// <summary>Steps the lease every beat and begins and ends terms with it.</summary>
internal sealed class LeaseLoop(MgmtdCore core)
{
    private bool _failing;

    public Task RunAsync(CancellationToken ct) =>
        Every.RunAsync(core.Timing.PrimaryBeat, core.Time, () => StepAsync(ct), ct);

    public async ValueTask StepAsync(CancellationToken ct)
    {
        var step = await core.Lease.StepAsync(ct);
        if (!step.IsOk && !_failing && step.Code != StatusCode.Cancelled) MgmtdLog.LeaseFailed(core.Log, step.Status);
        _failing = !step.IsOk;
        if (!step.TryGet(out var happened)) return;
        if (happened == LeaseEvent.Won) await BeginAsync(ct);
        if (happened == LeaseEvent.Lost)
        {
            MgmtdLog.TermEnded(core.Log, core.Lease.Number);
            core.EndTerm();
        }
    }

    /// <summary>
    /// A cluster that cannot be loaded has no primary; the next try comes after a while, not with every beat.
    /// </summary>
    private async ValueTask BeginAsync(CancellationToken ct)
    {
        var begun = await core.BeginTermAsync(ct);
        if (begun.IsOk)
        {
            core.Read(term =>
            {
                MgmtdLog.TermBegun(core.Log, term.Number, term.Cluster.Nodes.Count, term.Cluster.Chains.Count);
                return true;
            });
            return;
        }

        if (ct.IsCancellationRequested) return;
        MgmtdLog.TermFailed(core.Log, core.Lease.Number, begun);
        await core.Lease.ReleaseAsync(ct);
        await core.Time.PauseAsync(core.Timing.PrimaryLease, ct);
    }
}
