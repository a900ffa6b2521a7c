using ThreeFs.Base;
using ThreeFs.Base.Tasks;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.Chains;
using ThreeFs.Mgmtd.Records;
using ThreeFs.Mgmtd.State;

namespace ThreeFs.Mgmtd.Background;

/// <summary>
/// Brings chains up to date with what is known of their targets, as soon as something is: woken by heartbeats, timeouts
/// and committed changes, it waits a moment for more and decides about all affected chains in one transaction. Also
/// stores where targets live and publishes news that needed no transaction.
/// </summary>
internal sealed class ChainUpdater(MgmtdCore core)
{
    /// <summary>Bounds the transaction; the rest follows at once.</summary>
    private const int MaxChainsPerCommit = 1000;

    private static readonly TimeSpan _pauseAfterFailure = TimeSpan.FromMilliseconds(200);

    public async Task RunAsync(CancellationToken ct)
    {
        while (await core.Work.WaitAsync(ct) && await core.Time.PauseAsync(core.Timing.ChainDelay, ct))
        {
            var status = await RunOnceAsync(ct);
            if (!status.IsOk && status.Code != StatusCode.NotPrimary)
                await core.Time.PauseAsync(_pauseAfterFailure, ct);
        }
    }

    public async ValueTask<Status> RunOnceAsync(CancellationToken ct)
    {
        Round round = new([], []);
        var outcome = await core.ChangeAsync(term => Decide(term, round), ct);
        core.Read(term =>
        {
            term.BeingLost.Clear();
            if (outcome.IsOk) Answer(term, round);
            else term.Dirty.UnionWith(round.Decisions.Select(d => d.Chain.Id));
            if (term.Dirty.Count > 0) core.Work.Set();
            return true;
        });
        if (outcome.IsOk) LogMoves(round);
        else if (outcome.Code != StatusCode.NotPrimary) MgmtdLog.ChainUpdateFailed(core.Log, outcome.Status);
        core.PublishNews();
        return outcome.Status;
    }

    /// <param name="Restarts">The restarts that the decisions took into account.</param>
    private sealed record Round(List<ChainDecision> Decisions, Dictionary<TargetId, int> Restarts);

    private static Result<Change<bool>> Decide(Term term, Round round)
    {
        var cluster = term.Cluster;
        var located = cluster.Targets.ToBuilder();
        foreach (var id in term.Dirty.Take(MaxChainsPerCommit).ToArray())
        {
            term.Dirty.Remove(id);
            if (!cluster.Chains.TryGetValue(id, out var chain)) continue;
            var views = new TargetView[chain.Targets.Length];
            for (var i = 0; i < views.Length; i++)
            {
                var target = chain.Targets[i].Id;
                views[i] = term.ViewOf(target, chain.Version);
                if (views[i] == TargetView.Offline && chain.Targets[i].State == TargetState.Serving)
                    term.BeingLost.Add(target);
                if (!term.Targets.TryGetValue(target, out var live)) continue;
                round.Restarts[target] = live.Restarts;
                var record = new TargetRecord(target, live.Node, live.DiskIndex);
                if (live.Alive && located.GetValueOrDefault(target) != record) located[target] = record;
            }

            round.Decisions.Add(ChainTransition.Next(chain, views));
        }

        var moved = round.Decisions.Where(d => d.Changed).Select(d => d.Chain).ToArray();
        var targets = located.ToImmutable();
        if (moved.Length == 0 && ReferenceEquals(targets, cluster.Targets)) return new Change<bool>(cluster, true);
        return new Change<bool>(
            (moved.Length == 0 ? cluster : cluster.WithMoved(moved)) with { Targets = targets }, true);
    }

    /// <summary>
    /// A restart is answered once the target is neither serving nor syncing. What the target reported meanwhile counts
    /// from then on, so its chain has to be looked at again.
    /// </summary>
    private static void Answer(Term term, Round round)
    {
        foreach (var target in round.Decisions.SelectMany(d => d.Chain.Targets))
        {
            if (target.State is TargetState.Serving or TargetState.Syncing) continue;
            if (!round.Restarts.TryGetValue(target.Id, out var restarts)
                || !term.Targets.TryGetValue(target.Id, out var live))
            {
                continue;
            }
            if (live.RestartsAnswered == restarts) continue;
            live.RestartsAnswered = restarts;
            term.MarkDirty(target.Id);
        }
    }

    private void LogMoves(Round round)
    {
        foreach (var decision in round.Decisions)
        {
            if (decision.Changed)
                MgmtdLog.ChainChanged(
                    core.Log, decision.Chain.Id.Value, decision.Chain.Version.Value, string.Join(", ", decision.Moves));
        }
    }
}
