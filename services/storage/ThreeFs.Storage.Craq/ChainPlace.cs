using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Storage.Craq;

/// <summary>
/// The place of one target in one version of its chain: what it is, and who is before and after it. Immutable; a new chain
/// version is a new place.
/// </summary>
/// <remarks>
/// A target is in service while Serving or Syncing. mgmtd orders a chain Serving, LastServing, Syncing, Waiting, Offline, so
/// who is in service stands in front without a gap and at most one of them, the last, is Syncing. The <b>read tail</b> is
/// the last Serving one: the replica whose commit decides what readers see.
/// </remarks>
public sealed class ChainPlace
{
    private ChainPlace(TargetId target, VersionedChain chain, TargetState? state)
    {
        Target = target;
        Chain = chain;
        State = state;
    }

    public TargetId Target { get; }

    public VersionedChain Chain { get; }

    /// <summary>Null: the chain does not have this target, or is not known.</summary>
    public TargetState? State { get; }

    public bool IsHead { get; private init; }

    /// <summary>The next one in service; null when this is the last.</summary>
    public TargetId? Successor { get; private init; }

    public bool SuccessorIsSyncing { get; private init; }

    /// <summary>Targets in service behind this one.</summary>
    public int HopsBehind { get; private init; }

    /// <summary>The one before, when in service.</summary>
    public TargetId? Predecessor { get; private init; }

    /// <summary>The last Serving one of the chain; null when none serves.</summary>
    public TargetId? ReadTail { get; private init; }

    /// <summary>Another target of the chain serves too.</summary>
    public bool OthersServe { get; private init; }

    public bool IsServing => State == TargetState.Serving;

    /// <summary>It serves and is not the only one.</summary>
    public bool HasServingPeer => IsServing && (!IsHead || (Successor is not null && !SuccessorIsSyncing));

    public bool IsInService => State is TargetState.Serving or TargetState.Syncing;

    public bool IsReadTail => ReadTail == Target;

    /// <summary>The place before anything is known of the chain.</summary>
    public static ChainPlace Unknown(TargetId target, ChainId chain) => new(target, new VersionedChain(chain, default), null);

    public static ChainPlace Of(ChainInfo chain, TargetId target)
    {
        var versioned = new VersionedChain(chain.Id, chain.Version);
        var index = -1;
        TargetId? tail = null;
        for (var i = 0; i < chain.Targets.Length; i++)
        {
            if (chain.Targets[i].Id == target) index = i;
            if (chain.Targets[i].State == TargetState.Serving) tail = chain.Targets[i].Id;
        }

        if (index < 0) return new ChainPlace(target, versioned, null);
        var state = chain.Targets[index].State;
        var inService = state is TargetState.Serving or TargetState.Syncing;
        var next = inService && index + 1 < chain.Targets.Length ? chain.Targets[index + 1] : null;
        var successor = next?.State is TargetState.Serving or TargetState.Syncing ? next : null;
        return new ChainPlace(target, versioned, state)
        {
            IsHead = state == TargetState.Serving && index == 0,
            Successor = successor?.Id,
            HopsBehind = inService ? chain.Targets.Skip(index + 1).Count(t => t.State is TargetState.Serving or TargetState.Syncing) : 0,
            SuccessorIsSyncing = successor?.State == TargetState.Syncing,
            Predecessor = inService && index > 0 ? chain.Targets[index - 1].Id : null,
            ReadTail = tail,
            OthersServe = chain.Targets.Any(t => t.State == TargetState.Serving && t.Id != target),
        };
    }

    public override string ToString() => $"target {Target} of chain {Chain}: {State?.ToString() ?? "not a member"}";
}
