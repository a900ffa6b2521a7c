using System.Globalization;
using ThreeFs.Base;
using ThreeFs.Cli.Dev;
using ThreeFs.Cli.Output;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;
using ThreeFs.Placement;

namespace ThreeFs.Cli.Moves;

/// <summary>
/// Carries moves out while clients work: each new target is made, joins its chain and syncs; then the old one steps
/// down, is removed, and is destroyed if that is wanted. Everything that was begun is kept in the chains, so a run that
/// is interrupted at any point is finished by another one.
/// </summary>
/// <param name="parallel">Chains that change at the same time.</param>
/// <param name="destroyOld">Delete the data of targets that were removed, on the servers that answer.</param>
internal sealed class MoveRun(
    ClusterView view, IReadOnlyList<TargetMove> moves, NewTargetIds ids,
    int parallel, bool destroyOld, Action<string> say)
{
    private static readonly TimeSpan _look = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan _report = TimeSpan.FromSeconds(2);

    private readonly Dictionary<TargetId, (NodeId Node, ChainId Chain)> _removed = [];
    private readonly Dictionary<ChainId, string> _waits = [];
    private readonly long _started = TimeProvider.System.GetTimestamp();
    private long _reported;
    private string _saidLast = "";

    /// <summary>Old targets whose data is still on their disks, with the node.</summary>
    public IEnumerable<(TargetId Target, NodeId Node)> Left => _removed.Select(r => (r.Key, r.Value.Node));

    public int Removed { get; private set; }

    /// <summary>
    /// Until no target in <paramref name="chains"/> is leaving and all moves are done; ends early only when
    /// something is refused.
    /// </summary>
    public async Task<Status> RunAsync(IReadOnlyCollection<ChainId> chains, CancellationToken ct)
    {
        var waiting = new Queue<TargetMove>(moves);
        var open = new List<ChainId>(chains.Except(moves.Select(m => m.Chain)));
        while (true)
        {
            while (open.Count < parallel && waiting.TryDequeue(out var move))
            {
                var begun = await BeginAsync(move, ct);
                if (!begun.IsOk) return begun;
                open.Add(move.Chain);
            }

            for (var i = open.Count - 1; i >= 0; i--)
            {
                var done = await StepAsync(open[i], ct);
                if (!done.TryGet(out var isDone)) return done.Status;
                if (isDone) open.RemoveAt(i);
            }

            if (open.Count == 0 && waiting.Count == 0) break;
            if (ct.IsCancellationRequested) return Interrupted();
            await ReportAsync(open.Count + waiting.Count, ct);
            await LookAgainAsync(ct);
        }

        return destroyOld ? await DestroyAsync(ct) : Status.Ok;
    }

    private static Status Interrupted() => new(
        StatusCode.Cancelled, "interrupted; what was begun is kept in the chains: run the command again to finish it");

    /// <summary>Makes the new target and lets it join; the chain says from then on what is wanted.</summary>
    private async Task<Status> BeginAsync(TargetMove move, CancellationToken ct)
    {
        var target = ids.For(move.Chain, move.Node);
        var created = await view.Storage.Admin.CreateTargetAsync(
            move.Node, new CreateTargetRequest(target, move.Chain, move.Disk), ct);
        if (!created.IsOk)
            return Failed($"cannot create target {target} of chain {move.Chain} on node {move.Node}", created);
        var added = await view.Mgmtd.AddTargetAsync(view.ClusterId, move.Chain, target, move.Old, ct);
        if (!added.TryGet(out var chain))
            return Failed($"cannot add target {target} to chain {move.Chain}", added.Status);
        var place = $"node {move.Node}, disk {move.Disk}";
        say($"chain {move.Chain}: target {target} on {place}, takes the place of {move.Old}");
        return await KnowAsync(chain, ct);
    }

    private async Task<Result<bool>> StepAsync(ChainId id, CancellationToken ct)
    {
        var routing = view.Routing.Current;
        if (!routing.Chains.TryGetValue(id, out var chain))
            return new Status(StatusCode.ChainNotFound, $"chain {id} is no more");
        var step = MoveStep.Next(chain);
        _waits.Remove(id);
        switch (step.Kind)
        {
            case MoveStepKind.Done:
                return true;
            case MoveStepKind.Wait:
                _waits[id] = $"target {step.Target} {step.Why}";
                return false;
            case MoveStepKind.StepDown:
                var asked = await view.Storage.Admin.StepDownAsync(
                    new StepDownRequest(step.Target, new VersionedChain(id, chain.Version)), ct);

                // Whatever hinders it passes, or shows in routing: the chain changed, its server is just dying.
                _waits[id] = asked.IsOk
                    ? $"target {step.Target} steps down"
                    : $"target {step.Target} does not step down: {asked.Message ?? asked.Code.ToString()}";
                return false;
            default:
                return await RemoveAsync(routing, chain, step.Target, ct);
        }
    }

    private async Task<Result<bool>> RemoveAsync(
        RoutingInfo routing, ChainInfo chain, TargetId target, CancellationToken ct)
    {
        var node = routing.Targets.TryGetValue(target, out var info) ? info.Node : default;
        var removed = await view.Mgmtd.RemoveTargetAsync(view.ClusterId, chain.Id, target, ct);
        if (removed.Code is StatusCode.TargetNotFound or StatusCode.Busy or StatusCode.Unavailable) return false;
        if (!removed.TryGet(out var next))
            return Failed($"cannot remove target {target} from chain {chain.Id}", removed.Status);
        _removed[target] = (node, chain.Id);
        Removed++;
        say($"chain {chain.Id}: target {target} is removed; it is {Admin.Names.Of(next)} now");
        var known = await KnowAsync(next, ct);
        return known.IsOk ? false : known;
    }

    /// <summary>Routing shows the chain as it was just made, so that nothing is done twice.</summary>
    private async Task<Status> KnowAsync(ChainInfo chain, CancellationToken ct)
    {
        var known = await view.Routing.WaitFor(
            r => r.Chains.TryGetValue(chain.Id, out var c) && c.Version >= chain.Version, ct);
        return known.IsOk ? Status.Ok : Interrupted();
    }

    private async Task LookAgainAsync(CancellationToken ct)
    {
        var version = view.Routing.Current.Version;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(_look);
        await view.Routing.WaitFor(r => r.Version > version, limit.Token);
    }

    private async Task ReportAsync(int open, CancellationToken ct)
    {
        if (TimeProvider.System.GetElapsedTime(_reported) < _report) return;
        var syncing = await SyncProgress.ReadAsync(view, view.Routing.Current, ct);
        var lines = syncing.Where(s => _waits.ContainsKey(s.Chain))
            .Select(s => $"chain {s.Chain}: target {s.Target} {s}").ToList();
        lines.AddRange(_waits.Where(w => syncing.All(s => s.Chain != w.Key)).Select(w => $"chain {w.Key}: {w.Value}"));
        if (moves.Count > 1) lines.Insert(0, Overall(open, syncing));
        var text = string.Join("\n", lines);
        if (text == _saidLast) return;
        (_saidLast, _reported) = (text, TimeProvider.System.GetTimestamp());
        if (text.Length > 0) say(text);
    }

    /// <summary>By bytes: chains that are done, and of each that syncs its part.</summary>
    private string Overall(int open, IReadOnlyList<SyncProgress> syncing)
    {
        var routing = view.Routing.Current;
        double all = moves.Sum(m => Math.Max(m.Bytes, 1)), done = 0;
        foreach (var move in moves)
        {
            var chain = routing.Chains[move.Chain];
            var part = chain.Targets.All(t => t.Id != move.Old)
                ? 1
                : syncing.FirstOrDefault(s => s.Chain == move.Chain)?.Fraction ?? 0;
            done += part * Math.Max(move.Bytes, 1);
        }

        var elapsed = TimeProvider.System.GetElapsedTime(_started);
        var left = done > 0 ? SyncProgress.Time(elapsed * ((all - done) / done)) + " left" : "no estimate yet";
        var moved = moves.Count - Math.Min(open, moves.Count);
        var percent = string.Create(CultureInfo.InvariantCulture, $"{done / all * 100:0} %");
        return $"{moved} of {moves.Count} targets moved, {percent}, {left}";
    }

    private async Task<Status> DestroyAsync(CancellationToken ct)
    {
        foreach (var (target, (node, _)) in _removed.ToArray())
        {
            var destroyed = await OldTargets.DestroyAsync(view, target, node, ct);
            if (!destroyed.IsOk)
            {
                var why = destroyed.Message ?? destroyed.Code.ToString();
                say($"the data of target {target} stays on node {node}: {why}");
                continue;
            }

            _removed.Remove(target);
            say($"target {target} on node {node} is destroyed");
        }

        return Status.Ok;
    }

    private static Status Failed(string what, Status why) => why.Code == StatusCode.Cancelled
        ? Interrupted()
        : new Status(why.Code, $"{what}: {why.Message ?? why.Code.ToString()}");
}
