using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine.Device;
using ThreeFs.Storage.ChunkEngine.Index;

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
/// </remarks>
public sealed class ChunkStore : IAsyncDisposable
{
    private ChunkStore() { }

    /// <summary>Writes an empty target; refused when the index holds one already.</summary>
    public static ValueTask<Result<ChunkStore>> CreateAsync(
        IBlockDevice device, IChunkIndex index, TargetIdentity identity, ChunkStoreOptions options) =>
        ValueTask.FromResult<Result<ChunkStore>>(StatusCode.NotImplemented);

    /// <summary>Opens an existing target and brings it to a consistent state. The store owns device and index from here on.</summary>
    public static ValueTask<Result<ChunkStore>> OpenAsync(IBlockDevice device, IChunkIndex index, ChunkStoreOptions options) =>
        ValueTask.FromResult<Result<ChunkStore>>(StatusCode.NotImplemented);

    public TargetIdentity Identity { get; private set; }

    /// <summary>Raised durably with every opening: tells one run of the target from another.</summary>
    public ulong OpenEpoch { get; private set; }

    /// <summary>The run before this one ended with <see cref="DisposeAsync"/>, so that nothing it acknowledged can be missing.</summary>
    public bool WasClosedCleanly { get; private set; }

    /// <summary>Ok, or why updates are refused from now on.</summary>
    public Status Health { get; private set; }

    public int ChunkCount => 0;

    /// <summary>False when there is neither a committed nor a pending content.</summary>
    public bool TryGet(ChunkId chunk, out ChunkState state)
    {
        state = default;
        return false;
    }

    /// <summary>
    /// Reads what the content has of the range into the first bytes of <paramref name="destination"/> (which is at least
    /// <paramref name="length"/> long), verified. Never delivers bytes with a code other than Ok.
    /// </summary>
    /// <returns>
    /// Ok, with the bytes delivered (0 behind the end) and their checksum; ChunkNotFound; ChecksumMismatch when
    /// the stored bytes are damaged; IoError; Overloaded.
    /// </returns>
    public ValueTask<ReadResult> ReadAsync(
        ChunkId chunk, uint offset, uint length, IoSlices destination, ReadContent content = ReadContent.Committed) =>
        ValueTask.FromResult(new ReadResult(StatusCode.NotImplemented, 0, 0, 0, default, default));

    /// <summary>
    /// Makes the pending content of a chunk. The payload may be reused when this returns. A repetition (same version, same tag)
    /// of the pending update is answered with its result and changes nothing.
    /// </summary>
    /// <returns>
    /// Ok with version, length and checksum of the whole pending content (both 0 for a removal). ChunkNotFound: removal of a
    /// chunk that is not there, nothing is pending. UpdateAlreadyCommitted (with the committed state), UpdateMissing,
    /// UpdateInProgress (another update is pending), InvalidArgument, ChecksumMismatch (payload, or stored bytes that the update
    /// had to merge: Observer tells), NoSpace, Overloaded, IoError: nothing changed.
    /// </returns>
    public ValueTask<UpdateResult> PrepareAsync(ChunkUpdate update, IoSlices payload) =>
        ValueTask.FromResult(new UpdateResult(StatusCode.NotImplemented, default, default, 0, 0, default));

    /// <summary>Makes the pending content the committed one. Repeating a commit is answered Ok.</summary>
    /// <returns>
    /// Ok with the committed version, length and checksum; UpdateMissing when that version is not pending;
    /// ChunkNotFound when there is no chunk, as after a repeated commit of a removal.
    /// </returns>
    public ValueTask<UpdateResult> CommitAsync(ChunkId chunk, UpdateVersion version, ChainVersion chainVersion) =>
        ValueTask.FromResult(new UpdateResult(StatusCode.NotImplemented, default, default, 0, 0, default));

    /// <summary>Drops the pending content; Ok when there is none.</summary>
    public ValueTask<StatusCode> DiscardPendingAsync(ChunkId chunk) => ValueTask.FromResult(StatusCode.NotImplemented);

    /// <summary>
    /// Fills <paramref name="destination"/> with chunks from <paramref name="first"/> to <paramref name="last"/>, both included, in order; pending ones too.
    /// </summary>
    /// <returns>How many; fewer than there is room for when these are all.</returns>
    public int List(ChunkId first, ChunkId last, Span<ChunkState> destination) => 0;

    /// <summary>The chunks with a pending content, in no order.</summary>
    public int ListPending(Span<ChunkState> destination) => 0;

    /// <summary>The end of a file on this target, over committed contents with an index in the given range, both included.</summary>
    public LastChunk QueryLast(InodeId inode, ulong firstIndex = 0, ulong lastIndex = ulong.MaxValue) => default;

    /// <summary>Makes every update and commit answered before the call durable. Concurrent callers share flushes.</summary>
    public ValueTask<StatusCode> FlushAsync() => ValueTask.FromResult(StatusCode.NotImplemented);

    /// <summary>
    /// Work that can wait: writes commits held back, folds updates into their blocks, gives space back. The owner calls it
    /// about ten times a second; it returns at once when there is nothing to do.
    /// </summary>
    public ValueTask<StatusCode> MaintainAsync() => ValueTask.FromResult(StatusCode.NotImplemented);

    public SpaceInfo GetSpace() => default;

    /// <summary>Waits for what is in flight, flushes, marks the target as closed cleanly and disposes device and index.</summary>
    public ValueTask DisposeAsync() => default;
}
