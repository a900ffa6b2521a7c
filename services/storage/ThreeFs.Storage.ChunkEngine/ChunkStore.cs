using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine.Channels;
using ThreeFs.Storage.ChunkEngine.Chunks;
using ThreeFs.Storage.ChunkEngine.Device;
using ThreeFs.Storage.ChunkEngine.Engine;
using ThreeFs.Storage.ChunkEngine.Index;
using ThreeFs.Storage.ChunkEngine.Records;
using ThreeFs.Storage.ChunkEngine.Simulation;

namespace ThreeFs.Storage.ChunkEngine;

/// <summary>
/// The chunk engine of one target: every chunk as a committed content and at most one pending content above it, on a block
/// device and an index.
/// </summary>
/// <remarks>
/// Owned by one thread: calls start and complete there, and any number may be in flight. The caller orders updates, commits
/// and discards of one chunk, one at a time; reads may run beside them and see the content that was current when
/// they started. An update survives the death of the process when <see cref="PrepareAsync"/> has returned, and the
/// death of the machine when a later <see cref="FlushAsync"/> has. After the death of the machine every chunk is some
/// version that was acknowledged or pending, not older than the last flush, and never a mixture.
/// A commit that is not flushed may be found pending after a restart: who restarts a replica resolves pending contents
/// with its chain. A removed chunk starts again with version 1.
/// Reads, updates, commits and folds allocate nothing on the managed heap once the pools hold as many updates as wait
/// for one fold, about 264 bytes for each, and the checksums of the blocks among them.
/// </remarks>
public sealed class ChunkStore : IAsyncDisposable
{
    private readonly StoreCore _core;
    private readonly ContentReader _reader;
    private readonly ContentLocator _locator;
    private readonly Flusher _flusher;
    private readonly Folder _folder;
    private readonly UpdateWriter _writer;
    private int _idleCalls;
    private bool _isDisposed;

    private ChunkStore(StoreCore core, TargetRecord target)
    {
        _core = core;
        _reader = new ContentReader(core);
        _locator = new ContentLocator(core, _reader);
        _flusher = new Flusher(core);
        _folder = new Folder(core, _flusher);
        _writer = new UpdateWriter(core, _reader, _folder);
        Identity = target.Identity;
        OpenEpoch = target.OpenEpoch;
    }

    public TargetIdentity Identity { get; }

    /// <summary>Raised durably with every opening: tells one run of the target from another.</summary>
    public ulong OpenEpoch { get; }

    /// <summary>The run before this one ended with <see cref="DisposeAsync"/>, so that nothing it acknowledged can be missing.</summary>
    public bool WasClosedCleanly { get; private init; }

    /// <summary>The machine lost power since the last run, or may have: updates that were not flushed can be missing.</summary>
    public bool LostPower { get; private init; }

    /// <summary>Ok, or why updates are refused from now on.</summary>
    public Status Health => _core.Health;

    /// <summary>Chunks with a committed or a pending content, and removed ones that are not folded yet.</summary>
    public int ChunkCount => _core.Chunks.Count;

    /// <summary>
    /// The last update of each client channel, filled by commits. What it says of an update is as durable as the update
    /// itself.
    /// </summary>
    public ChannelTable Channels => _core.Channels;

    public EngineCounters Counters => _core.Counters;

    /// <summary>Buffers that are out; 0 when nothing is in flight and all is folded.</summary>
    public int OutstandingBuffers => _core.Pool.Outstanding;

    /// <summary>Writes an empty target and opens it; refused with TargetExists when the index holds one already.</summary>
    /// <remarks>The store owns device and index when the result is Ok, else the caller still does.</remarks>
    public static async ValueTask<Result<ChunkStore>> CreateAsync(
        IBlockDevice device, IChunkIndex index, TargetIdentity identity, ChunkStoreOptions options)
    {
        var core = new StoreCore(device, index, options);
        var existing = new StoreLoader(core).ReadTarget();
        if (!existing.TryGet(out var found)) return existing.Status;
        if (found is { } other) return new Status(StatusCode.TargetExists, $"the index holds target {other.Identity.Target} already");
        return await StartAsync(core, new TargetRecord(identity, 1, IsClean: false, options.BootId), wasClean: true, lostPower: false);
    }

    /// <summary>
    /// Opens an existing target and brings it to a consistent state, all of which is durable then; NotFound when the index holds
    /// none.
    /// </summary>
    /// <remarks>The store owns device and index when the result is Ok, else the caller still does.</remarks>
    public static async ValueTask<Result<ChunkStore>> OpenAsync(IBlockDevice device, IChunkIndex index, ChunkStoreOptions options)
    {
        var core = new StoreCore(device, index, options);
        var loader = new StoreLoader(core);
        var existing = loader.ReadTarget();
        if (!existing.TryGet(out var found)) return existing.Status;
        if (found is not { } target) return new Status(StatusCode.NotFound, "the index holds no target: create one first");
        var code = await device.FlushAsync();
        if (code == StatusCode.Ok) code = await index.SyncAsync();
        if (code != StatusCode.Ok) return new Status(code, "blocks and index cannot be flushed");
        var lostPower = !target.IsClean && (target.BootId != options.BootId || options.BootId == Guid.Empty);
        var status = await loader.LoadAsync(lostPower);
        if (!status.IsOk) return status;
        var next = target with { OpenEpoch = target.OpenEpoch + 1, IsClean = false, BootId = options.BootId };
        return await StartAsync(core, next, target.IsClean, lostPower);
    }

    /// <summary>False when there is neither a committed nor a pending content.</summary>
    public bool TryGet(ChunkId chunk, out ChunkState state)
    {
        var record = _core.Find(chunk);
        state = record is null ? default : record.State;
        return record is { Exists: true };
    }

    /// <summary>
    /// Reads what the content has of the range into the first bytes of <paramref name="destination"/> (which is at least
    /// <paramref name="length"/> long), verified; zeros follow up to the length. With a code other than Ok the
    /// destination's content is undefined and must not be used.
    /// </summary>
    /// <returns>
    /// Ok, with the bytes delivered (0 behind the end) and their checksum; ChunkNotFound; ChecksumMismatch when
    /// the stored bytes are damaged; IoError; Overloaded.
    /// </returns>
    public ValueTask<ReadResult> ReadAsync(
        ChunkId chunk, uint offset, uint length, IoSlices destination, ReadContent content = ReadContent.Committed)
    {
        Invariant.Check(destination.TotalLength >= length, "the destination holds what is read");
        var record = _core.Find(chunk);
        var pending = content == ReadContent.Newest ? record?.Pending : null;
        if (record is null || !(pending is null ? record.Committed.Exists : !pending.IsRemove))
            return ValueTask.FromResult(new ReadResult(StatusCode.ChunkNotFound, 0, 0, 0, default, default));
        return _reader.ReadAsync(record, offset, length, destination, pending is not null);
    }

    /// <summary>
    /// Instead of <see cref="ReadAsync"/>: where the committed bytes of the range lie on the device, held there until released. Null when
    /// they have to be read here. What is read there is not verified: <paramref name="result"/> has its length and checksum.
    /// </summary>
    public ContentHold? TryHold(ChunkId chunk, uint offset, uint length, out ReadResult result)
    {
        result = default;
        return _core.Find(chunk) is { Committed.Exists: true } record ? _locator.TryHold(record, offset, length, out result) : null;
    }

    /// <summary>
    /// Where a part of a chunk that nothing is pending for lies, and the checksums of its units: for readers who keep that and see by themselves
    /// when it changes. False when it is not all in the chunk's block, or no places are told.
    /// </summary>
    /// <param name="offset">First byte of the part; a multiple of a unit.</param>
    /// <param name="checksums">One for each unit of the part, as far as the content reaches.</param>
    public bool TryGetPlace(ChunkId chunk, uint offset, Span<uint> checksums, out ContentPlace place)
    {
        place = default;
        return _core.Find(chunk) is { Committed.Exists: true, Pending: null } record
            && _locator.TryGetPlace(record, offset, checksums, out place);
    }

    /// <summary>No place told so far is used for a read that ends after this has returned.</summary>
    public void RevokePlaces() => _core.Places.RevokeAll();

    /// <summary>
    /// Makes the pending content of a chunk. The payload may be reused when this returns. A repetition (same version, same tag)
    /// of the pending update is answered with its result and changes nothing.
    /// </summary>
    /// <returns>
    /// Ok with version, length and checksum of the whole pending content (both 0 for a removal). ChunkNotFound: removal of a
    /// chunk that is not there, nothing is pending. UpdateAlreadyCommitted and UpdateMissing (with the committed state),
    /// UpdateInProgress (another update is pending), InvalidArgument, ChecksumMismatch (payload, or damaged or unreadable stored bytes
    /// that the update had to merge: the observer tells), NoSpace, Overloaded, IoError: nothing changed.
    /// </returns>
    public ValueTask<UpdateResult> PrepareAsync(ChunkUpdate update, IoSlices payload) => _writer.PrepareAsync(update, payload);

    /// <summary>Makes the pending content the committed one. Repeating a commit is answered Ok.</summary>
    /// <returns>
    /// Ok with the committed version, length and checksum; UpdateMissing when that version is not pending;
    /// ChunkNotFound when there is no chunk, as after a repeated commit of a removal.
    /// </returns>
    public ValueTask<UpdateResult> CommitAsync(ChunkId chunk, UpdateVersion version, ChainVersion chainVersion) =>
        ValueTask.FromResult(Commit(chunk, version, chainVersion));

    /// <summary>Drops the pending content; Ok when there is none.</summary>
    public ValueTask<StatusCode> DiscardPendingAsync(ChunkId chunk) => ValueTask.FromResult(PendingDrop.Run(_core, _core.Find(chunk)));

    /// <summary>
    /// Fills <paramref name="destination"/> with chunks from <paramref name="first"/> to <paramref name="last"/>, both included,
    /// in order; pending ones too.
    /// </summary>
    /// <returns>How many; fewer than there is room for when these are all.</returns>
    public int List(ChunkId first, ChunkId last, Span<ChunkState> destination)
    {
        var count = 0;
        if (first.CompareTo(last) > 0) return 0;
        foreach (var record in _core.Ordered.GetViewBetween(new ChunkRecord(first), new ChunkRecord(last)))
        {
            if (count == destination.Length) break;
            if (record.Exists) destination[count++] = record.State;
        }

        return count;
    }

    /// <summary>The smallest and the largest id of a chunk; null when there is none.</summary>
    public (ChunkId First, ChunkId Last)? Bounds =>
        _core.Ordered.Min is { } first && _core.Ordered.Max is { } last ? (first.Id, last.Id) : null;

    /// <summary>The chunks with a pending content, in order, as many as there is room for.</summary>
    public int ListPending(Span<ChunkState> destination)
    {
        var count = 0;
        foreach (var record in _core.Ordered)
        {
            if (count == destination.Length) break;
            if (record.Pending is not null) destination[count++] = record.State;
        }

        return count;
    }

    /// <summary>The end of a file on this target, over committed contents with an index in the given range, both included.</summary>
    public LastChunk QueryLast(InodeId inode, ulong firstIndex = 0, ulong lastIndex = ulong.MaxValue)
    {
        if (firstIndex > lastIndex) return LastChunk.None(StatusCode.Ok);
        var first = new ChunkRecord(new ChunkId(inode, firstIndex));
        foreach (var record in _core.Ordered.GetViewBetween(first, new ChunkRecord(new ChunkId(inode, lastIndex))).Reverse())
        {
            if (record.Committed.Exists) return new LastChunk(StatusCode.Ok, true, record.Id.Index, record.Committed.Length);
        }

        return LastChunk.None(StatusCode.Ok);
    }

    /// <summary>Forgets all channels, in the index too: what this target did may not be what its chain did.</summary>
    public StatusCode ClearChannels()
    {
        ChannelWrites.AddRemovalOf(_core.Batch, _core.Channels.UsedSlots);
        _core.Channels.Clear();
        _core.ChannelsToFold.Clear();
        return _core.WriteBatch();
    }

    /// <summary>
    /// Takes over what another replica knows of its channels; the later update of a channel counts. Of use once a flush after
    /// this has completed: until then the target must not answer for its chain.
    /// </summary>
    public StatusCode AdoptChannels(ReadOnlySpan<ChannelUpdate> updates)
    {
        foreach (ref readonly var update in updates) _core.Channels.Record(update);
        var changes = new List<(int Slot, ChannelUpdate Update)>();
        _core.Channels.TakeChanges(changes);
        var slots = changes.Select(c => c.Slot).ToHashSet();
        _core.ChannelsToFold.RemoveAll(c => slots.Contains(c.Slot));
        ChannelWrites.AddTo(_core.Batch, changes);
        return _core.WriteBatch();
    }

    /// <summary>Makes every update and commit answered before the call durable. Concurrent callers share flushes.</summary>
    public ValueTask<StatusCode> FlushAsync() => _flusher.FlushAsync();

    /// <summary>
    /// Work that can wait: writes commits held back, and every <see cref="ChunkStoreOptions.FoldEveryCalls"/> calls folds updates into
    /// their blocks and gives space back. The owner calls it about ten times a second.
    /// </summary>
    public ValueTask<StatusCode> MaintainAsync()
    {
        if (!_core.Health.IsOk) return ValueTask.FromResult(_core.Health.Code);
        if (!_folder.HasWork || ++_idleCalls < _core.Options.FoldEveryCalls) return ValueTask.FromResult(_core.WriteBatch());
        _idleCalls = 0;
        return _folder.FoldAsync();
    }

    /// <summary>Folds all committed updates now.</summary>
    public ValueTask<StatusCode> FoldAsync() => _folder.FoldAsync();

    public SpaceInfo GetSpace() => _core.Space.GetInfo();

    /// <summary>
    /// Flushes, folds, marks the target as closed cleanly and disposes device and index. No other call may be in flight.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        RevokePlaces();
        for (var i = 0; i < 4 && _core.Health.IsOk && _folder.HasWork; i++) await _folder.FoldAsync();
        if (_core.Health.IsOk && await _flusher.FlushAsync() == StatusCode.Ok)
        {
            WriteTarget(_core, new TargetRecord(Identity, OpenEpoch, IsClean: true, _core.Options.BootId));
            await _core.Index.SyncAsync();
        }

        await _core.Index.DisposeAsync();
        await _core.Device.DisposeAsync();
        _core.Dispose();
    }

    /// <summary>Frees the memory of a store whose simulated process has died; nothing of it may run any more.</summary>
    internal void Abandon() => _core.Pool.Abandon();

    /// <summary>Every unit of a block that a committed or pending content has, for whoever damages a simulated disk.</summary>
    internal IEnumerable<StoredUnit> StoredUnits()
    {
        foreach (var record in _core.Ordered)
        {
            for (var unit = 0; unit < Units.Count(record.Committed.Length); unit++)
            {
                var isInMemory = record.Overlay is not null && record.Overlay[unit] != 0;
                yield return StoredUnit.Of(record.Id, record.Position, unit, record.Committed.Length, isInMemory);
            }

            if (record.Pending is not { DirectCount: > 0 } pending) continue;
            for (var unit = pending.DirectStart; unit < pending.DirectStart + pending.DirectCount; unit++)
                yield return StoredUnit.Of(record.Id, pending.Position, unit, pending.State.Length, isInMemory: false);
        }
    }

    private static async ValueTask<Result<ChunkStore>> StartAsync(StoreCore core, TargetRecord target, bool wasClean, bool lostPower)
    {
        Flusher.AddMark(core.Batch, core.LastSequence);
        var code = WriteTarget(core, target);
        if (code == StatusCode.Ok) code = await core.Index.SyncAsync();
        if (code != StatusCode.Ok) return new Status(code, $"the index of target {target.Identity.Target} cannot be written");
        return new ChunkStore(core, target) { WasClosedCleanly = wasClean, LostPower = lostPower };
    }

    private static StatusCode WriteTarget(StoreCore core, TargetRecord target)
    {
        target.WriteTo(core.Batch.BeginPut(Keys.ForTarget, TargetRecord.Size));
        return core.WriteBatch();
    }

    private UpdateResult Commit(ChunkId chunk, UpdateVersion version, ChainVersion chainVersion)
    {
        var record = _core.Find(chunk);
        if (record is null || !record.Exists) return new UpdateResult(StatusCode.ChunkNotFound, default, default, 0, 0, default);
        Invariant.Check(!record.IsBusy, "the caller orders the updates of a chunk");
        var delta = record.Pending;
        if (delta is null || delta.State.Version != version)
        {
            var code = record.Committed.Version == version ? StatusCode.Ok : StatusCode.UpdateMissing;
            return UpdateWriter.ResultOf(code, record, record.Committed);
        }

        if (!_core.Health.IsOk) return UpdateWriter.ResultOf(_core.Health.Code, record, record.Committed);
        record.Commit(chainVersion, _core.Arrays);
        _core.HoldCommit(record);
        _core.ListForFold(record, delta);
        _core.Channels.Record(delta.State.ToChannelUpdate(chunk));
        _core.Counters.Commits++;
        return new UpdateResult(
            StatusCode.Ok, version, new CommitVersion(version.Value), delta.State.Length, delta.State.Crc, chainVersion);
    }
}
