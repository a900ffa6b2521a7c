using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Mgmtd.Chains;

/// <summary>
/// The next version of a chain from what its targets' servers report: a pure function. <see cref="Standings"/> is the
/// table, this is how standings of one chain are weighed against each other.
/// </summary>
/// <remarks>
/// What makes it safe:
/// <list type="bullet">
/// <item><b>Every Serving target has every acknowledged update</b>, because an update is acknowledged only when all of
/// them have it. So any of them may become the authority, but only one that was Serving (or finished syncing under the
/// current version).</item>
/// <item><b>The authority is never empty.</b> When the last Serving target goes away it becomes LastServing and the
/// chain waits for exactly this one: the others miss what was written after they left.</item>
/// <item><b>Restart fence.</b> A restarted server does not know which updates it acknowledged last. Its targets leave
/// Serving under a new chain version; when it was the only one, through LastServing, and it serves again under yet
/// another version that it has to confirm. So a server sees itself not serving before it serves again.</item>
/// <item><b>Nobody is judged unheard.</b> While some Serving target is only presumed alive (young term) and nobody
/// vouches for the chain, restarted ones stay where they are: were they moved behind a presumed one that is in fact
/// dead, the chain would wait for a dead target although complete ones are up.</item>
/// <item><b>Who is leaving gets no turn to sync</b> (<see cref="ChainInfo.IsLeaving"/>), and gives up the one it has.
/// It may serve on, and as the last one it is waited for like any other: leaving never costs an update.</item>
/// <item>Any difference raises the version by one. The version fences requests planned with the old membership.</item>
/// </list>
/// Not guarded here: that a target called Offline has really stopped serving. That is the lease's work, see
/// MgmtdTiming.
/// </remarks>
public static class ChainTransition
{
    /// <param name="views">One per target, in the chain's order.</param>
    public static ChainDecision Next(ChainInfo chain, ReadOnlySpan<TargetView> views)
    {
        ChainRules.Check(chain);
        Invariant.Check(views.Length == chain.Targets.Length, "every target of a chain has a view");
        var standings = new Standing[views.Length];
        for (var i = 0; i < views.Length; i++) standings[i] = Standings.Of(chain.Targets[i].State, views[i]);

        var places = new Place[views.Length];
        PlaceAuthorities(standings, places);
        PlaceOthers(chain, standings, places);
        GiveSyncTurn(chain, standings, places);
        return Decide(chain, places);
    }

    /// <summary>Where a target goes and why; a default place is not decided yet.</summary>
    private record struct Place(TargetState State, MoveReason Reason);

    /// <summary>Who serves, or for whom the chain waits.</summary>
    private static void PlaceAuthorities(Standing[] standings, Place[] places)
    {
        var vouched = Any(standings, Standing.Serves) || Any(standings, Standing.Synced);
        var presumed = Any(standings, Standing.Presumed);
        var heir = vouched || presumed ? -1 : Heir(standings);
        for (var i = 0; i < standings.Length; i++)
        {
            places[i] = standings[i] switch
            {
                Standing.Serves or Standing.Presumed => new(TargetState.Serving, default),
                Standing.Synced => new(TargetState.Serving, MoveReason.Synced),
                Standing.Doubtful when !vouched && presumed => new(TargetState.Serving, default),
                Standing.Doubtful or Standing.Gone when i == heir =>
                    new(TargetState.LastServing, MoveReason.LastToServe),
                Standing.LastBack when i == heir => new(TargetState.Serving, MoveReason.LastReturned),
                Standing.LastAway when i == heir => new(TargetState.LastServing, default),
                Standing.Gone => new(TargetState.Offline, MoveReason.Lost),
                Standing.LastBack or Standing.LastAway => new(TargetState.Offline, MoveReason.Superseded),
                _ => default,
            };
        }
    }

    /// <summary>
    /// Without anybody serving: a restarted one rather than a dead one, the first in chain order; else the
    /// one already waited for.
    /// </summary>
    private static int Heir(Standing[] standings)
    {
        var heir = Array.IndexOf(standings, Standing.Doubtful);
        if (heir < 0) heir = Array.IndexOf(standings, Standing.Gone);
        if (heir < 0) heir = Array.IndexOf(standings, Standing.LastBack);
        if (heir < 0) heir = Array.IndexOf(standings, Standing.LastAway);
        return heir;
    }

    private static void PlaceOthers(ChainInfo chain, Standing[] standings, Place[] places)
    {
        var serving = AnyPlaced(places, TargetState.Serving);
        for (var i = 0; i < standings.Length; i++)
        {
            if (places[i].State != default) continue;
            places[i] = standings[i] switch
            {
                Standing.Syncs when serving && chain.IsLeaving(chain.Targets[i].Id) =>
                    new(TargetState.Waiting, MoveReason.Leaves),
                Standing.Syncs when serving => new(TargetState.Syncing, default),
                Standing.Syncs or Standing.Interrupted => new(TargetState.Waiting, MoveReason.SyncInterrupted),
                Standing.Doubtful => new(TargetState.Waiting, MoveReason.Restarted),
                Standing.Ready or Standing.Waits => new(TargetState.Waiting, MoveReason.CameUp),
                _ => new(TargetState.Offline, MoveReason.Lost),
            };
        }
    }

    /// <summary>One at a time, in chain order, and only from somebody who vouches for its content.</summary>
    private static void GiveSyncTurn(ChainInfo chain, Standing[] standings, Place[] places)
    {
        if (AnyPlaced(places, TargetState.Syncing)) return;
        if (!Any(standings, Standing.Serves) && !Any(standings, Standing.Synced) && !Returned(places)) return;
        for (var i = 0; i < standings.Length; i++)
        {
            if (standings[i] != Standing.Ready || chain.IsLeaving(chain.Targets[i].Id)) continue;
            places[i] = new(TargetState.Syncing, MoveReason.SyncTurn);
            return;
        }
    }

    /// <summary>
    /// Orders by state, keeping chain order within a state, except that who just began to serve goes
    /// behind who served already.
    /// </summary>
    private static ChainDecision Decide(ChainInfo chain, Place[] places)
    {
        var order = Enumerable.Range(0, places.Length)
            .OrderBy(i => places[i].State)
            .ThenBy(i => places[i] is { State: TargetState.Serving } && chain.Targets[i].State != TargetState.Serving)
            .ToArray();
        var targets = ImmutableArray.CreateBuilder<ChainTarget>(places.Length);
        var moves = ImmutableArray.CreateBuilder<TargetMove>();
        for (var to = 0; to < order.Length; to++)
        {
            var from = order[to];
            var old = chain.Targets[from];
            targets.Add(old with { State = places[from].State });
            if (old.State != places[from].State)
                moves.Add(new TargetMove(old.Id, old.State, places[from].State, places[from].Reason));
        }

        if (moves.Count == 0) return new ChainDecision(chain, []);
        var next = chain with { Version = chain.Version.Next, Targets = targets.MoveToImmutable() };
        ChainRules.Check(next);
        return new ChainDecision(next, moves.ToImmutable());
    }

    private static bool Any(Standing[] standings, Standing wanted) => Array.IndexOf(standings, wanted) >= 0;

    private static bool AnyPlaced(Place[] places, TargetState state) => Array.Exists(places, p => p.State == state);

    private static bool Returned(Place[] places) =>
        Array.Exists(places, p => p.Reason == MoveReason.LastReturned && p.State == TargetState.Serving);
}
