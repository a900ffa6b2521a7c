using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Storage.Craq;

/// <summary>Who asks for an update.</summary>
public enum UpdateSource : byte
{
    Client,
    Predecessor,
    /// <summary>The replica itself, for a pending content that nobody drives any more.</summary>
    Resolver,
}

public enum AdmissionKind : byte
{
    /// <summary>Answer with the code; nothing happens.</summary>
    Refuse,
    /// <summary>Done before: answer with the committed content.</summary>
    AnswerCommitted,
    /// <summary>The chunk is gone as it should be: answer Ok without a content.</summary>
    AnswerGone,
    /// <summary>Another update is pending: bring that one to its end and ask again.</summary>
    ResolvePendingFirst,
    /// <summary>Write the content as pending under <see cref="Admission.Version"/>.</summary>
    Prepare,
}

/// <param name="Version">Prepare: the version to make.</param>
/// <param name="SupersedePending">Prepare: a pending content of another update is dropped.</param>
/// <param name="IsResumed">Prepare: this very update is pending already, so it may be further down the chain as well.</param>
public readonly record struct Admission(
    AdmissionKind Kind, StatusCode Code = StatusCode.Ok, UpdateVersion Version = default, bool SupersedePending = false, bool IsResumed = false)
{
    public static Admission Refuse(StatusCode code) => new(AdmissionKind.Refuse, code);
}

public enum ForwardStep : byte
{
    /// <summary>Everybody behind has it: commit.</summary>
    Commit,
    /// <summary>Nobody behind has it and it was asked for once: drop it and answer with the successor's code.</summary>
    Discard,
    /// <summary>Unknown whether the successor has it: ask again, perhaps another one.</summary>
    Retry,
    /// <summary>The successor committed another content under this version: this replica is not a replica any more.</summary>
    Diverged,
}

/// <summary>
/// An update's way through one replica of a CRAQ chain (Terrace and Freedman, "Object Storage on CRAQ", 2009): admitted,
/// written as pending, forwarded, committed once everybody behind has committed, answered. Pure: the caller does what these
/// functions say, under the chunk's lock, and asks again.
/// </summary>
/// <remarks>
/// Invariants:
/// <list type="number">
/// <item>A version of a chunk has one content in the whole chain. The head gives version v+1 only when v is committed at the
/// head and nothing is pending there; a pending content is never replaced by another one under the same version,
/// except on a Syncing target, which nobody reads.</item>
/// <item>A replica commits version u only after its successor has committed u, so what a replica has committed, everybody
/// behind it has too; and it forwards only what it holds as pending, so everybody before it holds at least that.</item>
/// <item>A pending content goes forward, never back, as soon as it may have been seen behind: only the single, certain refusal of
/// the successor on the first attempt takes it back.</item>
/// <item>Every request carries the chain version, and a replica takes only its own: an update planned with another
/// membership gets no further than to who does not know better.</item>
/// <item>A repeated update (same tag) is answered from the committed content or continues the pending one.</item>
/// </list>
/// Not guarded here: that messages of one predecessor arrive in order (ForwardEpoch does that), and that a replica which was
/// taken out of its chain stops (the lease does that), and does not go on with what it had begun when it comes back (the tenure does that).
/// </remarks>
public static class UpdateRules
{
    /// <summary>Whether this replica takes updates of this chain version from this source at all.</summary>
    public static StatusCode Gate(ChainPlace place, LocalTargetState local, VersionedChain asked, UpdateSource source)
    {
        if (local == LocalTargetState.Offline || !place.IsInService) return StatusCode.TargetNotServing;
        if (place.IsServing && local != LocalTargetState.UpToDate) return StatusCode.TargetNotServing;
        if (asked.Version != place.Chain.Version) return StatusCode.ChainVersionMismatch;
        return source switch
        {
            UpdateSource.Client => place.IsHead ? StatusCode.Ok : StatusCode.NotHead,
            UpdateSource.Predecessor => place.Predecessor is null ? StatusCode.InvalidArgument : StatusCode.Ok,
            _ => place.IsHead ? StatusCode.Ok : StatusCode.NotHead,
        };
    }

    /// <summary>What to do with an update that passed <see cref="Gate"/>.</summary>
    public static Admission Admit(ChainPlace place, in ReplicaChunk chunk, in UpdateRequest request, UpdateSource source)
    {
        var code = CheckShape(request, source);
        if (code != StatusCode.Ok) return Admission.Refuse(code);
        if (source == UpdateSource.Client) return AdmitAtHead(chunk, request);
        return place.State == TargetState.Syncing ? AdmitSyncing(chunk, request) : AdmitFromPredecessor(chunk, request);
    }

    /// <summary>A client's update at the head, which gives it its version.</summary>
    private static Admission AdmitAtHead(in ReplicaChunk chunk, in UpdateRequest request)
    {
        if (chunk.Committed.Exists && IsSame(chunk.Committed.Tag, request.Tag)) return new Admission(AdmissionKind.AnswerCommitted);
        if (chunk.HasPending)
        {
            return IsSame(chunk.Pending.Tag, request.Tag) && chunk.Pending.IsRemove == (request.Kind == UpdateKind.Remove)
                ? new Admission(AdmissionKind.Prepare, Version: chunk.Pending.Version, IsResumed: true)
                : new Admission(AdmissionKind.ResolvePendingFirst);
        }

        if (request.Kind == UpdateKind.Remove && !chunk.Committed.Exists) return new Admission(AdmissionKind.AnswerGone);
        return new Admission(AdmissionKind.Prepare, Version: chunk.NextVersion);
    }

    /// <summary>A predecessor's update at a Serving replica: exactly the next version, or one that was here before.</summary>
    private static Admission AdmitFromPredecessor(in ReplicaChunk chunk, in UpdateRequest request)
    {
        if (request.Kind == UpdateKind.Remove && !chunk.Committed.Exists && !chunk.HasPending)
            return new Admission(AdmissionKind.AnswerGone);
        if (request.Version <= chunk.Committed.Version) return new Admission(AdmissionKind.AnswerCommitted);
        if (request.Version > chunk.NextVersion) return Admission.Refuse(StatusCode.UpdateMissing);
        if (!chunk.HasPending) return new Admission(AdmissionKind.Prepare, Version: request.Version);
        return chunk.Pending.Tag == request.Tag && chunk.Pending.IsRemove == (request.Kind == UpdateKind.Remove)
            ? new Admission(AdmissionKind.Prepare, Version: request.Version, IsResumed: true)
            : Admission.Refuse(StatusCode.UpdateInProgress);
    }

    /// <summary>A Syncing target believes its predecessor everything.</summary>
    private static Admission AdmitSyncing(in ReplicaChunk chunk, in UpdateRequest request)
    {
        if (request.Kind == UpdateKind.Remove)
        {
            if (!chunk.Committed.Exists && !chunk.HasPending) return new Admission(AdmissionKind.AnswerGone);
            return new Admission(AdmissionKind.Prepare, Version: chunk.NextVersion, SupersedePending: true);
        }

        if (request.Kind != UpdateKind.Replace) return Admission.Refuse(StatusCode.InvalidArgument);
        var held = chunk.Committed;
        var isHeld = !chunk.HasPending && held.Version == request.Version && held.Length == request.Length
            && held.Crc == request.Crc && held.Tag == request.Tag;
        return isHeld
            ? new Admission(AdmissionKind.AnswerCommitted)
            : new Admission(AdmissionKind.Prepare, Version: request.Version, SupersedePending: true);
    }

    /// <summary>
    /// What the successor's answer means for the pending content.
    /// </summary>
    /// <param name="pending">What is written here and was forwarded.</param>
    /// <param name="answer">The successor's answer, or a code of the transport.</param>
    /// <param name="mayBeKept">The successor may have it from an earlier attempt, of this process or of the one before.</param>
    public static ForwardStep AfterForward(in Content pending, in UpdateResult answer, bool mayBeKept)
    {
        switch (answer.Code)
        {
            case StatusCode.Ok when pending.IsRemove:
            case StatusCode.ChunkNotFound when pending.IsRemove:
                return ForwardStep.Commit;
            case StatusCode.Ok:
            case StatusCode.UpdateAlreadyCommitted:
                var same = answer.Commit.Value == pending.Version.Value
                    && answer.ChunkLength == pending.Length && answer.Crc == pending.Crc && !pending.IsRemove;
                return same ? ForwardStep.Commit : ForwardStep.Diverged;
            default:
                return IsCertainRefusal(answer.Code) && !mayBeKept ? ForwardStep.Discard : ForwardStep.Retry;
        }
    }

    /// <summary>The successor looked at the update, did not keep it, and would not keep it if asked again.</summary>
    private static bool IsCertainRefusal(StatusCode code) =>
        code is StatusCode.NoSpace or StatusCode.InvalidArgument or StatusCode.UnknownFormatVersion or StatusCode.ChunkSizeMismatch;

    /// <summary>Whether who brought an update here may still bring it to its end after the chain changed.</summary>
    public static StatusCode MayContinue(ChainPlace place, LocalTargetState local, UpdateSource source)
    {
        if (!place.IsInService || local == LocalTargetState.Offline) return StatusCode.TargetNotServing;
        if (place.IsServing && local != LocalTargetState.UpToDate) return StatusCode.TargetNotServing;
        return source != UpdateSource.Predecessor && !place.IsHead ? StatusCode.NotHead : StatusCode.Ok;
    }

    private static StatusCode CheckShape(in UpdateRequest r, UpdateSource source)
    {
        const uint maxChunk = 64u << 20;
        if (r.ChunkSize is 0 or > maxChunk) return StatusCode.InvalidArgument;
        if (source == UpdateSource.Client ? r.Version.Value != 0 || r.Kind == UpdateKind.Replace : r.Version.Value == 0)
            return StatusCode.InvalidArgument;
        return r.Kind switch
        {
            UpdateKind.Write => (ulong)r.Offset + r.Length <= r.ChunkSize && r.Length > 0 ? StatusCode.Ok : StatusCode.InvalidArgument,
            UpdateKind.Truncate or UpdateKind.Extend or UpdateKind.Replace => r.Length <= r.ChunkSize ? StatusCode.Ok : StatusCode.InvalidArgument,
            UpdateKind.Remove => StatusCode.Ok,
            _ => StatusCode.InvalidArgument,
        };
    }

    /// <summary>Channel 0 is nobody's lane: such updates are not recognised when repeated.</summary>
    private static bool IsSame(UpdateTag held, UpdateTag asked) => asked.Channel.Value != 0 && held == asked;
}
