using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.State;

namespace ThreeFs.Mgmtd.Background;

/// <summary>
/// Finds the silent: nodes become Failed and targets count as offline once nothing was heard of them for
/// the failure timeout.
/// </summary>
internal sealed class HeartbeatChecker(MgmtdCore core)
{
    public Task RunAsync(CancellationToken ct) => Every.RunAsync(core.Timing.CheckInterval, core.Time, CheckAsync, ct);

    public ValueTask CheckAsync()
    {
        core.Read(term =>
        {
            term.Clock.Tick();
            CheckNodes(term);
            CheckTargets(term);
            EndGrace(term);
            if (term.Dirty.Count > 0 || term.UnpublishedNews) core.Work.Set();
            return true;
        });
        return ValueTask.CompletedTask;
    }

    /// <summary>A node not heard of in this term is silent from its beginning.</summary>
    private void CheckNodes(Term term)
    {
        foreach (var (id, live) in term.Nodes)
        {
            if (id == term.Self || live.State == NodeState.Failed || !term.IsSilent(live.LastSeen) || !term.GraceIsOver)
                continue;
            live.State = NodeState.Failed;
            term.UnpublishedNews = true;
            var node = term.Cluster.Nodes[id];
            if (!node.IsDisabled) MgmtdLog.NodeFailed(core.Log, id.Value, node.Kind, term.Clock.Now - live.LastSeen);
        }
    }

    private static void CheckTargets(Term term)
    {
        foreach (var (id, live) in term.Targets)
        {
            if (!live.Alive || !term.IsSilent(live.LastSeen) || !term.GraceIsOver) continue;
            live.Alive = false;
            term.UnpublishedNews = true;
            term.MarkDirty(id);
        }
    }

    private static void EndGrace(Term term)
    {
        if (term.GraceHandled || !term.GraceIsOver) return;
        term.GraceHandled = true;
        foreach (var id in term.Cluster.Chains.Keys) term.Dirty.Add(id);
    }
}
