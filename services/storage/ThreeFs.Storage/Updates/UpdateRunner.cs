using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.ChunkEngine.Channels;
using ThreeFs.Storage.Craq;
using ThreeFs.Storage.Targets;
using ThreeFs.Storage.Threading;

namespace ThreeFs.Storage.Updates;

/// <summary>
/// Carries an update through this replica as <see cref="UpdateRules"/> say: in line for the chunk, prepared in the engine,
/// forwarded, committed. The chunk stays locked until the update is committed, given up, or out of time; in the last case its content
/// stays pending and <see cref="Recovery.PendingResolver"/> brings it to its end.
/// </summary>
/// <remarks>
/// An update ends with the <see cref="Replica.Tenure"/> it began in: a write to a slow disk may end when the target has left its chain and
/// come back, and the chain has given the version to another update meanwhile. Its content stays pending here, nobody hears of it, and the
/// resync, which waits for such updates before it compares, replaces it.
/// </remarks>
internal sealed class UpdateRunner(Replica replica)
{
    private readonly ReplicaServices _services = replica.Services;
    private readonly Forwarder _forwarder = new(replica);

    /// <param name="isOfRange">
    /// One of many removals of a request (<see cref="RangeRemoval"/>) that run side by side, so that a later one of the channel may end before it.
    /// The request as a whole is looked at by its own rules.
    /// </param>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<UpdateResult> RunAsync(
        UpdateRequest request, IoSlices payload, UpdateSource source, bool isOfRange, Deadline deadline)
    {
        var code = Gate(request.Chain, source);
        if (code == StatusCode.Ok && source == UpdateSource.Predecessor && !replica.IsInOrder(request.ForwardEpoch)) code = StatusCode.UpdateStale;
        if (code != StatusCode.Ok) return replica.Refuse(code, request.Chain);
        if (!await replica.Locks.AcquireAsync(request.Chunk)) return replica.Refuse(StatusCode.Overloaded, request.Chain);
        try
        {
            // The chain may have changed while this waited in line.
            code = deadline.IsOver(_services.Time) ? StatusCode.DeadlineExceeded : Gate(request.Chain, source);
            if (code != StatusCode.Ok) return replica.Refuse(code, request.Chain);
            return await RunLockedAsync(request, payload, source, isOfRange, replica.Tenure, deadline);
        }
        finally
        {
            if (replica.Store.TryGet(request.Chunk, out var state) && state.HasPending) replica.Resolver.Left(request.Chunk);
            replica.Locks.Release(request.Chunk);
        }
    }

    public StatusCode Gate(VersionedChain asked, UpdateSource source) => replica.IsStopped || !replica.HoldsLease
        ? StatusCode.TargetNotServing
        : UpdateRules.Gate(replica.Place, replica.Standing.Local, asked, source);

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<UpdateResult> RunLockedAsync(
        UpdateRequest request, IoSlices payload, UpdateSource source, bool isOfRange, long tenure, Deadline deadline)
    {
        if (source == UpdateSource.Client && !isOfRange)
        {
            var verdict = replica.Store.Channels.Look(request.Tag, request.Chunk, out var known);
            if (verdict == ChannelVerdict.Repeated) return await DurableAsync(known.ToResult(replica.Place.Chain.Version));
            if (verdict == ChannelVerdict.Stale) return replica.Refuse(StatusCode.ChannelSequenceStale, request.Chain);
        }

        var admission = UpdateRules.Admit(replica.Place, replica.Store.Chunk(request.Chunk), request, source);
        while (admission.Kind == AdmissionKind.ResolvePendingFirst)
        {
            var resolved = await FinishPendingAsync(request.Chunk, deadline);
            if (resolved != StatusCode.Ok) return replica.Refuse(resolved, request.Chain);
            var code = replica.Tenure == tenure ? Gate(request.Chain, source) : StatusCode.TargetNotServing;
            if (code != StatusCode.Ok) return replica.Refuse(code, request.Chain);
            admission = UpdateRules.Admit(replica.Place, replica.Store.Chunk(request.Chunk), request, source);
        }

        if (admission.Kind != AdmissionKind.Prepare) return await DurableAsync(Answer(admission, request, source));
        var isNew = request.Kind != UpdateKind.Remove && replica.Place.IsServing && !replica.Store.TryGet(request.Chunk, out _);
        if (isNew && !replica.TakesNewChunks())
            return replica.Refuse(StatusCode.NoSpace, request.Chain);
        return await ExecuteAsync(request, payload, source, admission, tenure, deadline);
    }

    private UpdateResult Answer(in Admission admission, in UpdateRequest request, UpdateSource source)
    {
        var version = replica.Place.Chain.Version;
        switch (admission.Kind)
        {
            case AdmissionKind.AnswerGone:
                // A copy of the removal that arrives late must not find the chunk that somebody writes next.
                if (source == UpdateSource.Client)
                    replica.Store.Channels.Record(new ChannelUpdate(request.Tag, request.Chunk, request.Version, 0, 0));
                return new UpdateResult(StatusCode.Ok, request.Version, new CommitVersion(request.Version.Value), 0, 0, version);
            case AdmissionKind.AnswerCommitted:
                var held = replica.Store.Chunk(request.Chunk).Committed;
                var isThis = source == UpdateSource.Client || held.Version == request.Version;
                return held.ToResult(isThis ? StatusCode.Ok : StatusCode.UpdateAlreadyCommitted, version);
            default:
                if (admission.Code == StatusCode.UpdateMissing)
                    replica.Fail(new Status(admission.Code, $"chunk {request.Chunk}: the predecessor sent version {request.Version}, an earlier one is missing here"), mayRecover: true);
                return replica.Refuse(admission.Code, request.Chain);
        }
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<UpdateResult> ExecuteAsync(
        UpdateRequest request, IoSlices payload, UpdateSource source, Admission admission, long tenure, Deadline deadline)
    {
        var update = ChunkUpdate.From(request, admission.Version, admission.SupersedePending);
        var prepared = await replica.Store.PrepareAsync(update, payload);
        if (prepared.Code == StatusCode.ChecksumMismatch && replica.Repairer.IsDamaged(request.Chunk))
        {
            // Not the payload but what is stored: made whole from another replica, the update can be applied.
            if (await replica.Repairer.RepairLockedAsync(request.Chunk)) prepared = await replica.Store.PrepareAsync(update, payload);
        }

        if (replica.Tenure != tenure && prepared.Code is not (StatusCode.IoError or StatusCode.Corruption))
            return replica.Refuse(StatusCode.TargetNotServing, request.Chain);
        if (prepared.Code == StatusCode.ChunkNotFound && request.Kind == UpdateKind.Remove)
        {
            replica.Store.Channels.Record(new ChannelUpdate(request.Tag, request.Chunk, admission.Version, 0, 0));
            return new UpdateResult(StatusCode.Ok, admission.Version, new CommitVersion(admission.Version.Value), 0, 0, replica.Place.Chain.Version);
        }

        if (prepared.Code != StatusCode.Ok) return PrepareFailed(prepared.Code, request);
        var pending = new Content(prepared.Update, prepared.ChunkLength, prepared.Crc, request.Tag, request.Kind == UpdateKind.Remove);
        if (!replica.FlushesUpdates)
            return await FinishAsync(request, payload, hasPayload: true, pending, source, admission.IsResumed, tenure, deadline);

        // Beside the replicas behind, not after them: a chain's acknowledgement waits for the slowest flush, not for all in turn.
        var flush = replica.Store.FlushAsync();
        var result = await FinishAsync(request, payload, hasPayload: true, pending, source, admission.IsResumed, tenure, deadline);
        return Flushed(await flush, result);
    }

    /// <summary>An answer from what is known already; whoever got no answer before has no flush to rely on.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<UpdateResult> DurableAsync(UpdateResult result)
    {
        if (!replica.FlushesUpdates || result.Code != StatusCode.Ok) return result;
        return Flushed(await replica.Store.FlushAsync(), result);
    }

    private UpdateResult Flushed(StatusCode flush, in UpdateResult result)
    {
        if (result.Code != StatusCode.Ok || flush == StatusCode.Ok) return result;
        replica.Fail(new Status(flush, "flush failed"), mayRecover: false);
        return replica.Refuse(StatusCode.TargetNotServing, replica.Place.Chain);
    }

    private UpdateResult PrepareFailed(StatusCode code, in UpdateRequest request)
    {
        if (code is StatusCode.IoError or StatusCode.Corruption)
        {
            replica.Fail(new Status(code, $"chunk {request.Chunk} could not be written"), mayRecover: false);
            code = StatusCode.TargetNotServing;
        }
        else if (code == StatusCode.NoSpace && !replica.Place.IsServing)
        {
            // Its full disk must not stop the replicas that have room.
            replica.Fail(new Status(code, "no space to sync"), mayRecover: true);
            code = StatusCode.TargetNotServing;
        }

        return replica.Refuse(code, request.Chain);
    }

    /// <summary>Brings the pending content of a locked chunk to its end; Ok when nothing is pending any more.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<StatusCode> FinishPendingAsync(ChunkId chunk, Deadline deadline)
    {
        if (!replica.Store.TryGet(chunk, out var state) || !state.HasPending) return StatusCode.Ok;
        var pending = state.Pending.ToContent();
        var size = Math.Max(pending.Length, 1);
        var request = new UpdateRequest(
            replica.Place.Chain, chunk, pending.IsRemove ? UpdateKind.Remove : UpdateKind.Replace, 0, pending.Length, size,
            pending.Crc, pending.Tag, pending.Version, default);
        var result = await FinishAsync(request, default, hasPayload: false, pending, UpdateSource.Resolver, mayBeKept: true, replica.Tenure, deadline);
        return result.Code;
    }

    /// <summary>Forwards what is pending until everybody behind has committed it, and commits it here.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<UpdateResult> FinishAsync(
        UpdateRequest request, IoSlices payload, bool hasPayload, Content pending, UpdateSource source, bool mayBeKept, long tenure,
        Deadline deadline)
    {
        var heard = StatusCode.DeadlineExceeded;
        for (var attempt = 0; ; attempt++)
        {
            var place = replica.Place;
            var code = replica.Tenure == tenure
                ? UpdateRules.MayContinue(place, replica.Standing.Local, source)
                : StatusCode.TargetNotServing;
            if (code != StatusCode.Ok) return replica.Refuse(code, request.Chain);
            if (place.Successor is null) return await CommitAsync(request.Chunk, pending, place.Chain.Version);
            var change = replica.PlaceChange;
            var sent = await _forwarder.SendAsync(place, request, payload, hasPayload, pending, deadline, change);
            if (sent is null && place.OthersServe && !change.IsCancellationRequested)
            {
                // No repair can mend a chunk with a pending update, and nobody but this replica can send it on: a resync replaces both.
                replica.Fail(new Status(StatusCode.Corruption, $"chunk {request.Chunk} is damaged under its pending update"), mayRecover: true);
                return replica.Refuse(StatusCode.TargetNotServing, request.Chain);
            }

            // Where nobody else serves, this replica has the only copy of all that is not damaged, and its commit is the chain's. The successor
            // that syncs misses the update: its resync must find that out.
            if (sent is null && !place.OthersServe && replica.Resyncer.TryMiss(place.Chain))
                return await CommitAsync(request.Chunk, pending, place.Chain.Version);
            var answer = sent ?? Forwarder.Failure(StatusCode.Corruption);
            switch (UpdateRules.AfterForward(pending, answer, mayBeKept))
            {
                case ForwardStep.Commit:
                    return await CommitAsync(request.Chunk, pending, place.Chain.Version);
                case ForwardStep.Discard:
                    await replica.Store.DiscardPendingAsync(request.Chunk);
                    replica.Settled(request.Chunk);
                    return replica.Refuse(answer.Code, request.Chain);
                case ForwardStep.Diverged:
                    Log.Diverged(_services.Log, replica.Target, request.Chunk, pending.Version, pending.Length, pending.Crc, answer);
                    replica.Fail(new Status(StatusCode.ChecksumMismatch, $"chunk {request.Chunk} differs from the successor's"), mayRecover: true);
                    return replica.Refuse(StatusCode.TargetNotServing, request.Chain);
            }

            mayBeKept |= sent is not null && !answer.Code.IsCertainlyNotExecuted();
            // The last attempt ends with the time that is left: it says nothing of what kept the others from success.
            if (answer.Code != StatusCode.DeadlineExceeded) heard = answer.Code;
            if (answer.ChainVersion > place.Chain.Version || answer.Code.IsServerFailure()) _services.Routing.RequestRefresh();
            if (deadline.IsOver(_services.Time))
            {
                Log.ForwardGivenUp(_services.Log, replica.Target, request.Chunk, pending.Version, attempt + 1, heard);
                return replica.Refuse(StatusCode.ForwardFailed, request.Chain);
            }

            if (!change.IsCancellationRequested) await _services.Executor.DelayAsync(Pause(attempt), _services.Time, change);
        }
    }

    private TimeSpan Pause(int attempt)
    {
        var pause = _services.Limits.FirstForwardPause * (1 << Math.Min(attempt, 10));
        return pause < _services.Limits.MaxForwardPause ? pause : _services.Limits.MaxForwardPause;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<UpdateResult> CommitAsync(ChunkId chunk, Content pending, ChainVersion version)
    {
        var committed = await replica.Store.CommitAsync(chunk, pending.Version, version);
        if (committed.Code != StatusCode.Ok && !(pending.IsRemove && committed.Code == StatusCode.ChunkNotFound))
        {
            replica.Fail(new Status(committed.Code, $"chunk {chunk}: version {pending.Version} could not be committed"), mayRecover: false);
            return replica.Refuse(StatusCode.TargetNotServing, replica.Place.Chain);
        }

        replica.Settled(chunk);
        if (replica.DamagedChunks > 0 && replica.Repairer.IsDamaged(chunk)) replica.Resyncer.Updated();
        return pending.ToResult(StatusCode.Ok, version);
    }

    /// <summary>Commits what is pending without asking anybody: this replica's word is the last.</summary>
    public async ValueTask<StatusCode> CommitPendingAsync(ChunkId chunk)
    {
        if (!replica.Store.TryGet(chunk, out var state) || !state.HasPending) return StatusCode.Ok;
        var result = await CommitAsync(chunk, state.Pending.ToContent(), replica.Place.Chain.Version);
        return result.Code;
    }
}
