using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Mgmtd.Chains;

/// <summary>
/// The chain that should be, and why each target that moved did. Without moves it is the chain that was.
/// </summary>
public readonly record struct ChainDecision(ChainInfo Chain, ImmutableArray<TargetMove> Moves)
{
    public bool Changed => !Moves.IsEmpty;
}

/// <summary>One target's step from one public state to another (or to another place in the chain).</summary>
public readonly record struct TargetMove(TargetId Target, TargetState From, TargetState To, MoveReason Reason)
{
    public override string ToString() => $"{Target}: {From} → {To} ({Reason})";
}

public enum MoveReason
{
    /// <summary>Its server is dead or reported the target as failed.</summary>
    Lost,
    /// <summary>It was serving and cannot vouch for its content any more: its process restarted.</summary>
    Restarted,
    /// <summary>The last one that could serve went away; the chain waits for exactly this target.</summary>
    LastToServe,
    /// <summary>The awaited target is back.</summary>
    LastReturned,
    /// <summary>Its content is complete.</summary>
    Synced,
    /// <summary>Somebody serves, nobody syncs, and it is its turn.</summary>
    SyncTurn,
    /// <summary>Its sync cannot go on: it restarted, or nobody serves.</summary>
    SyncInterrupted,
    /// <summary>It was syncing, and the chain does not want it any more.</summary>
    Leaves,
    /// <summary>It is up and waits for its turn.</summary>
    CameUp,
    /// <summary>Another target serves, so this one is no longer the authority.</summary>
    Superseded,
}
