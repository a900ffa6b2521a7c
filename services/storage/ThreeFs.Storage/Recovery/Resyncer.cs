using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.Craq;
using ThreeFs.Storage.Targets;
using ThreeFs.Storage.Threading;
using ThreeFs.Storage.Updates;

namespace ThreeFs.Storage.Recovery;

/// <summary>
/// Gives a Syncing successor what it misses, while updates keep flowing to it as whole contents.
/// </summary>
/// <remarks>
/// One attempt belongs to one version of the chain. It walks both lists of chunks in the order of their ids, page by page,
/// and settles each difference under the chunk's lock, so that no update of the chunk is in flight: <see cref="SyncRules"/> decides.
/// The lists need not be of one moment: what changes after it was listed is sent by the update itself. When all is compared, the
/// successor is told (SyncDone) and gets what this replica knows of its clients' channels, so that it recognises repetitions
/// too; it reports UpToDate, and mgmtd lets it serve. Any failure ends the attempt, but for a chunk that cannot be read and not be repaired:
/// that one keeps the successor from serving, and the other chunks go on to it, so that as much as possible is there twice. The
/// next attempt compares again and sends only what is still missing. At most <see cref="StorageLimits.ResyncConcurrency"/> chunks
/// are under way, fewer while clients ask, and no more bytes a second than <see cref="ResyncPace"/> lets through.
/// </remarks>
internal sealed class Resyncer(Replica replica)
{
    private readonly ReplicaServices _services = replica.Services;
    private ChunkState[] _page = [];
    private readonly List<Task<StatusCode>> _underWay = [];
    private VersionedChain _doneFor;
    private Deadline _doneUntil;
    private VersionedChain _endsFor;
    private Task? _run;
    private ResyncProgress _progress;
    private StatusCode _damaged;
    private bool _maySucceed;

    public ResyncProgress Progress => _progress;

    /// <summary>
    /// An update will be committed here that the syncing successor does not get. True: no resync under this version ends before the chunk was
    /// compared again. False: one has ended, or may have; the successor may serve at any time.
    /// </summary>
    public bool TryMiss(VersionedChain chain)
    {
        if (_endsFor == chain) return false;
        _damaged = StatusCode.Corruption;
        return true;
    }

    /// <summary>A damaged chunk was updated or repaired, and may be whole now.</summary>
    public void Updated() => _maySucceed = true;

    /// <summary>Starts when there is somebody to bring up to date and nothing runs yet. Cheap.</summary>
    public void Reconsider()
    {
        if (_run is { IsCompleted: false } || !IsWanted(replica.Place)) return;
        _run = RunAsync();
        _run.Guard(_services);
    }

    public async ValueTask StopAsync()
    {
        if (_run is { } run) await run;
    }

    private bool IsWanted(ChainPlace place) =>
        !replica.IsStopped && place.IsServing && place.SuccessorIsSyncing && replica.Standing.Local == LocalTargetState.UpToDate
        && !IsDone(place.Chain) && replica.HoldsLease && !replica.HasInherited;

    /// <summary>
    /// The successor was told, and mgmtd will let it serve. When that takes too long it is told again: its process may have died in between
    /// without mgmtd's noticing, as when the primary changes.
    /// </summary>
    private bool IsDone(VersionedChain chain) => _doneFor == chain && !_doneUntil.IsOver(_services.Time);

    private async Task RunAsync()
    {
        while (IsWanted(replica.Place))
        {
            var place = replica.Place;
            var change = replica.PlaceChange;
            Log.ResyncStarted(_services.Log, replica.Target, place.Chain, place.Successor!.Value);
            var started = _services.Time.GetTimestamp();
            _progress = new ResyncProgress(place.Chain, place.Successor.Value, true, 0, 0, 0, 0, false, started, 0);
            var code = await AttemptAsync(place, change);
            _progress = _progress with { IsRunning = false, IsDone = code == StatusCode.Ok, Ended = _services.Time.GetTimestamp() };
            if (code == StatusCode.Ok)
            {
                _doneFor = place.Chain;
                _doneUntil = Deadline.In(_services.Limits.ResyncDoneTime, _services.Time);
                Log.ResyncDone(
                    _services.Log, replica.Target, place.Chain, place.Successor.Value, _progress.Compared, _progress.Sent,
                    _progress.Removed, _progress.Bytes, _services.Time.GetElapsedTime(started).TotalSeconds);
                continue;
            }

            Log.ResyncFailed(_services.Log, replica.Target, place.Chain, place.Successor.Value, code);
            _services.Routing.RequestRefresh();
            await PauseAsync(change);
        }
    }

    /// <summary>Longer when nothing but damaged chunks is missing: until one of them may be whole.</summary>
    private async ValueTask PauseAsync(CancellationToken change)
    {
        var until = Deadline.In(_services.Limits.RepairPause, _services.Time);
        do
        {
            await _services.Executor.DelayAsync(_services.Limits.ResyncPause, _services.Time, change);
        }
        while (_damaged != StatusCode.Ok && !_maySucceed && !until.IsOver(_services.Time) && !change.IsCancellationRequested && !replica.IsStopped);
    }

    private async ValueTask<StatusCode> AttemptAsync(ChainPlace place, CancellationToken change)
    {
        if (replica.SuccessorNode is not { } node) return StatusCode.ConnectFailed;
        if (_page.Length == 0) _page = new ChunkState[_services.Limits.ResyncPage];
        (_damaged, _maySucceed) = (StatusCode.Ok, false);
        ChunkId? after = null;
        for (var isLast = false; !isLast;)
        {
            var request = new ListChunksRequest(place.Successor!.Value, after, (uint)_services.Limits.ResyncPage, place.Chain.Version);
            var listed = await _services.Peers.ListChunksAsync(node, request, _services.Limits.ResyncChunkTime, change);
            if (!listed.TryGet(out var page)) return listed.Code;
            isLast = page.IsLast;
            if (!isLast && page.Chunks.IsEmpty) return StatusCode.ProtocolError;
            var bound = isLast ? ChunkIds.Max : page.Chunks[^1].Chunk;
            var code = await CompareAsync(place, node, page, after, bound, change);
            if (code != StatusCode.Ok) return code;
            after = bound;
        }

        var drained = await DrainAsync(0);
        if (drained != StatusCode.Ok) return drained;
        if (change.IsCancellationRequested) return StatusCode.Cancelled;
        if (_damaged != StatusCode.Ok) return _damaged;
        _endsFor = place.Chain;
        var done = await _services.Peers.SyncDoneAsync(
            node, place.Chain, place.Successor!.Value, replica.Store.Channels.ToArray(), _services.Limits.ResyncChunkTime);
        return done.Code;
    }

    /// <summary>Merges the target's page with our chunks up to <paramref name="bound"/>.</summary>
    private async ValueTask<StatusCode> CompareAsync(
        ChainPlace place, NodeInfo node, Peers.ChunkPage page, ChunkId? after, ChunkId bound, CancellationToken change)
    {
        var theirs = 0;
        for (var reached = false; !reached;)
        {
            var first = after is { } a ? ChunkIds.Next(a) : default;
            var count = after == ChunkIds.Max ? 0 : replica.Store.List(first, bound, _page);
            reached = count < _page.Length;
            var end = reached ? bound : _page[count - 1].Chunk;
            for (var ours = 0; ours < count || (theirs < page.Chunks.Length && page.Chunks[theirs].Chunk.CompareTo(end) <= 0);)
            {
                if (change.IsCancellationRequested) return await GiveUpAsync(StatusCode.Cancelled);
                var (chunk, remote) = NextPair(page, ref theirs, ref ours, count, out var local);
                _progress = _progress with { Compared = _progress.Compared + 1 };
                if (SyncRules.Compare(local, remote) == SyncStep.Keep) continue;
                await PaceAsync(local.Committed.Length, change);
                _underWay.Add(SettleAsync(place, node, chunk, remote, change));
                var code = await DrainAsync(Concurrency - 1);
                if (code != StatusCode.Ok) return await GiveUpAsync(code);
            }

            after = end;
        }

        return StatusCode.Ok;
    }

    private int Concurrency => _services.Pace.IsBusy ? _services.Limits.ResyncConcurrencyWhenBusy : _services.Limits.ResyncConcurrency;

    private async ValueTask PaceAsync(long bytes, CancellationToken change)
    {
        var wait = _services.Pace.Take(bytes);
        if (wait > TimeSpan.Zero) await _services.Executor.DelayAsync(wait, _services.Time, change);
    }

    /// <summary>The smaller id of the two lists' heads, with what either side has of it.</summary>
    private (ChunkId Chunk, ChunkMeta? Remote) NextPair(Peers.ChunkPage page, ref int theirs, ref int ours, int count, out ReplicaChunk local)
    {
        local = default;
        ChunkMeta? remote = theirs < page.Chunks.Length ? page.Chunks[theirs] : null;
        if (ours >= count || (remote is { } r && r.Chunk.CompareTo(_page[ours].Chunk) < 0))
        {
            theirs++;
            return (remote!.Value.Chunk, remote);
        }

        var chunk = _page[ours].Chunk;
        local = _page[ours++].ToReplicaChunk();
        if (remote is not { } same || same.Chunk != chunk) return (chunk, null);
        theirs++;
        return (chunk, remote);
    }

    private async Task<StatusCode> SettleAsync(ChainPlace place, NodeInfo node, ChunkId chunk, ChunkMeta? remote, CancellationToken change)
    {
        if (!await replica.Locks.AcquireAsync(chunk)) return StatusCode.Overloaded;
        try
        {
            if (change.IsCancellationRequested) return StatusCode.Cancelled;
            var local = replica.Store.Chunk(chunk);
            return SyncRules.Compare(local, remote) switch
            {
                SyncStep.Replace => await ReplaceAsync(place, node, chunk, local.Committed, change),
                SyncStep.Remove => await RemoveAsync(place, node, chunk, remote!.Value, change),
                _ => StatusCode.Ok,
            };
        }
        finally
        {
            replica.Locks.Release(chunk);
        }
    }

    private async ValueTask<StatusCode> ReplaceAsync(
        ChainPlace place, NodeInfo node, ChunkId chunk, Content content, CancellationToken change)
    {
        using var buffer = _services.Buffers.TryRent((int)content.Length, hopsBehind: 1);
        if (buffer is null) return StatusCode.Overloaded;
        var read = await replica.Store.ReadAsync(chunk, 0, content.Length, buffer.Memory);
        if (read.Code is StatusCode.ChecksumMismatch or StatusCode.IoError && await replica.Repairer.TryRepairLockedAsync(chunk))
            read = await replica.Store.ReadAsync(chunk, 0, content.Length, buffer.Memory);
        if (read.Code is StatusCode.ChecksumMismatch or StatusCode.IoError)
        {
            _damaged = read.Code;
            return StatusCode.Ok;
        }

        if (read.Code != StatusCode.Ok) return read.Code;
        var request = new UpdateRequest(
            place.Chain, chunk, UpdateKind.Replace, 0, content.Length, Math.Max(content.Length, 1), content.Crc, content.Tag,
            content.Version, new CommitVersion(content.Version.Value));
        var answer = await _services.Peers.UpdateAsync(
            node, request, buffer.Memory.Slice(0, (int)content.Length), _services.Limits.ResyncChunkTime, change);
        if (answer.Code != StatusCode.Ok) return answer.Code;
        if (answer.Commit.Value != content.Version.Value || answer.Crc != content.Crc || answer.ChunkLength != content.Length)
            return StatusCode.ChecksumMismatch;
        _progress = _progress with { Sent = _progress.Sent + 1, Bytes = _progress.Bytes + content.Length };
        _services.Observer.Resynced(place.Successor!.Value, removed: false, content.Length);
        return StatusCode.Ok;
    }

    private async ValueTask<StatusCode> RemoveAsync(
        ChainPlace place, NodeInfo node, ChunkId chunk, ChunkMeta remote, CancellationToken change)
    {
        var request = new UpdateRequest(
            place.Chain, chunk, UpdateKind.Remove, 0, 0, 1, 0, default, remote.Update.Next, default);
        var answer = await _services.Peers.UpdateAsync(node, request, default, _services.Limits.ResyncChunkTime, change);
        if (answer.Code is not (StatusCode.Ok or StatusCode.ChunkNotFound)) return answer.Code;
        _progress = _progress with { Removed = _progress.Removed + 1 };
        _services.Observer.Resynced(place.Successor!.Value, removed: true, 0);
        return StatusCode.Ok;
    }

    /// <summary>Waits until no more than <paramref name="most"/> are under way; the first failure ends it, also of one that ended before.</summary>
    private async ValueTask<StatusCode> DrainAsync(int most)
    {
        while (_underWay.Count > most || _underWay.Exists(t => t.IsCompleted))
        {
            var finished = await Task.WhenAny(_underWay);
            _underWay.Remove(finished);
            var code = await finished;
            if (code != StatusCode.Ok) return await GiveUpAsync(code);
        }

        return StatusCode.Ok;
    }

    private async ValueTask<StatusCode> GiveUpAsync(StatusCode code)
    {
        await Task.WhenAll(_underWay);
        _underWay.Clear();
        return code;
    }
}
