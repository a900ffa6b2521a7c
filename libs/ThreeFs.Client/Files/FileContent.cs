using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Client.Storage;
using ThreeFs.Contracts.Meta;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Client.Files;

/// <summary>
/// The bytes of one file, shared by all its handles in this process: maps ranges to chunks, reads and writes them in
/// parallel, and remembers what was written, for the file's length and for fsync.
/// </summary>
/// <remarks>
/// What it guarantees:
/// <list type="bullet">
/// <item>A read returns exactly the bytes within the length given. Holes and short chunks read as zeros; memory behind
/// the bytes returned is not made visible. Chunks belong to an inode forever, so no other file's bytes can
/// appear.</item>
/// <item>A read begun after a write was answered sees it. Writes and reads of the same range at the same time are
/// atomic for each chunk, not over chunks.</item>
/// <item>A write or read that fails in the middle answers the bytes before the first failure if there are any;
/// otherwise the failure. After a failed write the bytes of its range are the old ones, the new ones, or both in
/// part.</item>
/// <item>A truncation by this client waits for its writes under way and holds up later ones.</item>
/// </list>
/// One chunk at a time allocates nothing in steady state. Thread-safe.
/// </remarks>
public sealed class FileContent
{
    /// <summary>Largest file: offsets and lengths are what POSIX has.</summary>
    public const long MaxLength = long.MaxValue - (64L << 20);

    private readonly StorageClient _storage;
    private readonly TimeProvider _time;
    private readonly ManyChunks _many;
    private readonly AsyncLock _flushing = new();

    internal FileContent(
        InodeAttr attr,
        Placement placement,
        StorageClient storage,
        TimeProvider time,
        ManyChunks many,
        ConcurrentDictionary<ChainId, bool> dirtyOfClient,
        bool created)
    {
        Inode = attr.Id;
        Placement = placement;
        State = new SyncState(attr);
        Dirty = new DirtyChains(placement, dirtyOfClient, all: !created);
        _storage = storage;
        _time = time;
        _many = many;
    }

    public InodeId Inode { get; }

    public Placement Placement { get; }

    /// <summary>The file's end as far as this client knows, its own writes included.</summary>
    public long Length => State.Length;

    internal SyncState State { get; }

    internal DirtyChains Dirty { get; }

    internal WriteGate Gate { get; } = new();

    /// <summary>Held while an append finds its offset and writes.</summary>
    internal AsyncLock Appending { get; } = new();

    /// <summary>Reads from <paramref name="offset"/> on, up to the length this client knows.</summary>
    public ValueTask<Result<int>> ReadAsync(long offset, IoSlices destination, CancellationToken ct = default) =>
        ReadAsync(offset, destination, Length, ct);

    /// <summary>
    /// Reads from <paramref name="offset"/> on, up to <paramref name="knownLength"/> or the end of the destination. The
    /// answer is the number of bytes; 0 at or behind the length.
    /// </summary>
    public ValueTask<Result<int>> ReadAsync(long offset, IoSlices destination, long knownLength,
        CancellationToken ct = default)
    {
        if (offset < 0 || destination.TotalLength > int.MaxValue)
            return new(new Status(StatusCode.InvalidArgument,
                    $"inode {Inode}: cannot read {destination.TotalLength} bytes at {offset}"));
        var length = Math.Min(destination.TotalLength, knownLength - offset);
        if (length <= 0) return new(0);
        return IsOneChunk(offset, length)
            ? ReadOneAsync(offset, destination, (int)length, ct)
            : _many.ReadAsync(this, offset, destination, length, ct);
    }

    /// <summary>Writes at <paramref name="offset"/>, extending the file when it ends before.</summary>
    public ValueTask<Result<int>> WriteAsync(long offset, IoSlices source, CancellationToken ct = default)
    {
        var length = source.TotalLength;
        if (offset < 0 || length > int.MaxValue)
            return new(
                new Status(StatusCode.InvalidArgument, $"inode {Inode}: cannot write {length} bytes at {offset}"));
        if (offset > MaxLength - length)
            return new(new Status(StatusCode.FileTooLarge,
                    $"inode {Inode}: a write at {offset} ends behind the largest length"));
        return length == 0 ? new(0) : WriteThroughGateAsync(offset, source, ct);
    }

    /// <summary>
    /// Makes <paramref name="length"/> bytes read as zeros and gives back the space of whole chunks among them; the
    /// file's length stays. The metadata service must know that length before.
    /// </summary>
    /// <param name="zeros">At least one byte.</param>
    public async ValueTask<Status> ClearAsync(long offset, long length, IoMemory zeros, CancellationToken ct = default)
    {
        if (offset < 0 || length < 0 || offset > MaxLength - length || zeros.IsEmpty)
            return new Status(StatusCode.InvalidArgument, $"inode {Inode}: cannot clear {length} bytes at {offset}");
        if (length == 0) return Status.Ok;
        if (!await Gate.EnterAloneAsync(ct)) return StatusCode.Cancelled;
        try
        {
            return await new RangeClearing(this, _storage, zeros).RunAsync(offset, offset + length, ct);
        }
        finally
        {
            Gate.Exit();
        }
    }

    /// <summary>
    /// Everything this client wrote, and what others wrote before it opened the file, is on stable storage of every
    /// serving replica. A failed flush leaves what it was for to the next one.
    /// </summary>
    public async ValueTask<Status> FlushAsync(CancellationToken ct = default)
    {
        // One after the other: a second caller must not return before the chains taken by the first are flushed.
        if (!await _flushing.EnterAsync(ct)) return StatusCode.Cancelled;
        try
        {
            var chains = Dirty.Take();
            if (chains.Length == 0) return Status.Ok;
            var status = await _storage.FlushAsync(chains, ct);
            if (!status.IsOk) Dirty.PutBack(chains);
            return status;
        }
        finally
        {
            _flushing.Release();
        }
    }

    /// <summary>Takes in attributes of this inode from the metadata service.</summary>
    public void Learn(InodeAttr attr) => State.Learn(attr);

    /// <summary>
    /// This client has set the length, with these attributes as the answer and no write of its own under way: earlier
    /// writes are settled, and any chain may hold a cut that is not on stable storage.
    /// </summary>
    public void Truncated(InodeAttr attr)
    {
        State.Truncated(attr);
        Dirty.MarkAll();
    }

    /// <summary>
    /// The same while writes of this client may be under way: which of them the cut took, only storage knows, and the
    /// next report asks.
    /// </summary>
    public void TruncatedBesideWrites(InodeAttr attr)
    {
        State.Learn(attr);
        Dirty.MarkAll();
    }

    internal ChainId ChainOf(ulong chunk) => Placement.ChainOf(chunk);

    /// <param name="under">The truncate version when the write began.</param>
    internal void Wrote(long end, TruncateVersion under) => State.Written(end, under, Now);

    internal void WriteFailed() => State.WriteFailed(Now);

    internal bool IsOneChunk(long offset, long length) =>
        Placement.OffsetInChunk(offset) + length <= Placement.Layout.ChunkSize;

    internal Status Failure(string what, ulong chunk, StatusCode code) =>
        new(code, $"inode {Inode}: {what} of chunk {chunk} on chain {ChainOf(chunk)} failed");

    private FileTime Now => FileTime.From(_time.GetUtcNow());

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Result<int>> ReadOneAsync(long offset, IoSlices destination, int length,
        CancellationToken ct)
    {
        var index = Placement.ChunkIndexOf(offset);
        using var window = SliceWindow.Of(destination, 0, length);
        var result = await _storage.ReadAsync(
            ChainOf(index), new ChunkId(Inode, index), Placement.OffsetInChunk(offset), window.Slices, ReadFlags.None,
            ct);
        if (result.Code is not (StatusCode.Ok or StatusCode.ChunkNotFound)) return Failure("read", index, result.Code);
        if (result.Length < length) SliceWindow.Clear(window.Slices, result.Length);
        return length;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Result<int>> WriteThroughGateAsync(long offset, IoSlices source, CancellationToken ct)
    {
        if (!await Gate.EnterAsync(ct)) return new Status(StatusCode.Cancelled);
        try
        {
            var under = State.Version;
            if (!IsOneChunk(offset, source.TotalLength)) return await _many.WriteAsync(this, offset, source, ct);
            var index = Placement.ChunkIndexOf(offset);
            var result = await _storage.WriteAsync(
                ChainOf(index), new ChunkId(Inode, index), Placement.OffsetInChunk(offset), source,
                Placement.Layout.ChunkSize, ct);
            Dirty.Mark(ChainOf(index));
            if (result.Code != StatusCode.Ok)
            {
                WriteFailed();
                return Failure("write", index, result.Code);
            }

            Wrote(offset + source.TotalLength, under);
            return (int)source.TotalLength;
        }
        finally
        {
            Gate.Exit();
        }
    }
}
