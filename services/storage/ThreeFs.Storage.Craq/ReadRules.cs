using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Storage.Craq;

public enum ReadStep : byte
{
    /// <summary>Serve the committed content, or that there is none.</summary>
    Committed,
    /// <summary>Serve the pending content: it is committed where it counts.</summary>
    Newest,
    /// <summary>The pending content that is served is a removal: there is no chunk.</summary>
    Gone,
    /// <summary>Ask the read tail which version is committed.</summary>
    AskTail,
    /// <summary>Decide again once the update in flight is over.</summary>
    Wait,
    /// <summary>The chunk changed meanwhile: decide again.</summary>
    Again,
}

/// <summary>
/// Which content a replica may show a reader, so that reads are linearizable whichever replica answers: never a content that
/// may yet be taken back, and never an older one than somebody may have seen.
/// </summary>
/// <remarks>
/// The read tail's commit decides. A replica without a pending content cannot be behind it, because an update passes every
/// replica before the tail. One with a pending content asks the tail. Two cases need a wait:
/// <list type="bullet">
/// <item>The read tail forwards to a Syncing successor. That one may become Serving, and the read tail, under a chain version that this
/// replica does not know yet, and show what it committed; so the old tail shows nothing of the chunk until it has committed too.</item>
/// <item>A replica that just became the read tail holds contents that were pending before. The old tail may have committed and shown
/// them, so they are committed before anything of the chunk is shown ("inherited").</item>
/// </list>
/// </remarks>
public static class ReadRules
{
    /// <summary>Whether this replica answers readers who plan with this chain version. An older plan is as good as ours: we serve.</summary>
    public static StatusCode Gate(ChainPlace place, LocalTargetState local, VersionedChain asked)
    {
        if (!place.IsServing || local != LocalTargetState.UpToDate) return StatusCode.TargetNotServing;
        return asked.Version > place.Chain.Version ? StatusCode.ChainVersionMismatch : StatusCode.Ok;
    }

    /// <param name="isInherited">The pending content is older than this replica's being the read tail.</param>
    public static ReadStep Decide(ChainPlace place, in ReplicaChunk chunk, ReadFlags flags, bool isInherited)
    {
        if (!chunk.HasPending) return ReadStep.Committed;
        if ((flags & ReadFlags.AllowUncommitted) != 0) return chunk.Pending.IsRemove ? ReadStep.Gone : ReadStep.Newest;
        if (!place.IsReadTail) return ReadStep.AskTail;
        return isInherited || place.SuccessorIsSyncing ? ReadStep.Wait : ReadStep.Committed;
    }

    /// <summary>After the tail's answer.</summary>
    /// <param name="asked">The chunk when the tail was asked.</param>
    /// <param name="now">The chunk now.</param>
    /// <param name="tail">Version committed at the tail; 0: there is no such chunk.</param>
    public static ReadStep AfterTail(in ReplicaChunk asked, in ReplicaChunk now, CommitVersion tail)
    {
        if (!now.HasPending) return ReadStep.Committed;
        if (now.Pending.Version != asked.Pending.Version || now.Pending.Tag != asked.Pending.Tag || now.Committed != asked.Committed)
            return ReadStep.Again;
        if (now.Pending.IsRemove) return tail.Value == 0 ? ReadStep.Gone : ReadStep.Committed;
        return tail.Value >= now.Pending.Version.Value ? ReadStep.Newest : ReadStep.Committed;
    }

    /// <summary>Whether the read tail can say now what is committed.</summary>
    public static StatusCode GateQueryCommitted(ChainPlace place, LocalTargetState local, VersionedChain asked)
    {
        if (local != LocalTargetState.UpToDate || !place.IsServing) return StatusCode.TargetNotServing;
        return asked.Version != place.Chain.Version || !place.IsReadTail ? StatusCode.ChainVersionMismatch : StatusCode.Ok;
    }
}
