using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Client.Connections;
using ThreeFs.Client.Storage.Places;
using ThreeFs.Contracts.Meta;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Client.Storage;

/// <summary>
/// Chunks as a client process sees them: reads from any serving replica, updates through the head exactly once, both
/// repeated under newer routing until they succeed or the deadline is over. Errors that no retry heals (no space,
/// invalid argument, a size that does not fit) come back at once; so does a missing chunk, which is an answer. Bytes
/// are protected end to end: the client makes the checksum of what it writes and verifies the one of what it reads.
/// </summary>
/// <remarks>
/// Thread-safe. Completes on the thread of the connection that answered (after a pause: on one of the time provider).
/// The caller's memory is used until the task completes and never afterwards. Await each returned task once.
/// </remarks>
public sealed class StorageClient
{
    private readonly StorageReader _reader;
    private readonly ReadBatch _batch;
    private readonly StorageUpdater _updater;
    private readonly ChainCaller _caller;
    private readonly ChainFlusher _flusher;

    /// <param name="client">Fresh for each process: exactly-once depends on it.</param>
    public StorageClient(
        ConnectionPool pool,
        IRoutingSource routing,
        StorageClientOptions options,
        ClientId client,
        TimeProvider time,
        SeededRandom random,
        ILoggerFactory? logs = null)
    {
        var log = (logs ?? NullLoggerFactory.Instance).CreateLogger<StorageClient>();
        var routes = new RouteTable(routing, pool, options);
        var retry = new RetryPolicy(options, time, random.Fork());
        Channels = new ChannelAllocator(client, options.Channels, options.MaxWaitingUpdates);
        var places = new PlaceBook(retry, Counters);
        _reader = new StorageReader(routes, routing, options, retry, places, Counters, log);
        _batch = new ReadBatch(routes, _reader, options, retry, places);
        _updater = new StorageUpdater(routes, routing, Channels, options, retry, Counters, log);
        _caller = new ChainCaller(routes, routing, Channels, options, retry);
        _flusher = new ChainFlusher(routes, routing, options, retry, log);
        Admin = new StorageAdmin(pool, routing, options);
        Options = options;
    }

    public StorageClientOptions Options { get; }

    public StorageClientCounters Counters { get; } = new();

    public ChannelAllocator Channels { get; }

    /// <summary>Questions to single nodes and replicas.</summary>
    public StorageAdmin Admin { get; }

    /// <summary>
    /// Reads bytes of a chunk from <paramref name="offset"/> on into <paramref name="destination"/>. The answer may be
    /// shorter than the destination when the chunk ends; bytes behind it are undefined.
    /// <see cref="StatusCode.ChunkNotFound"/>: a hole.
    /// </summary>
    public ValueTask<ReadResult> ReadAsync(
        ChainId chain, ChunkId chunk, uint offset, IoSlices destination, ReadFlags flags = ReadFlags.None,
        CancellationToken ct = default) =>
        _reader.ReadAsync(chain, chunk, offset, destination, flags, ct);

    /// <summary>Reads the first <paramref name="count"/> pieces and fills their results; they fail and succeed one by
    /// one.</summary>
    public ValueTask<bool> ReadBatchAsync(
        ReadPiece[] pieces, int count, ReadFlags flags = ReadFlags.None, CancellationToken ct = default) =>
        _batch.ReadAsync(pieces, count, flags, ct);

    /// <summary>Writes bytes into a chunk at <paramref name="offset"/>, making the chunk if necessary.</summary>
    /// <param name="chunkSize">Chunk size of the file's layout; offset and length must fit.</param>
    public ValueTask<UpdateResult> WriteAsync(
        ChainId chain, ChunkId chunk, uint offset, IoSlices source, uint chunkSize, CancellationToken ct = default) =>
        offset + source.TotalLength > chunkSize
            ? new(StorageWire.Failure(StatusCode.InvalidArgument))
            : _updater.UpdateAsync(chain, chunk, UpdateKind.Write, offset, (uint)source.TotalLength, chunkSize, source,
                ct);

    /// <summary>Sets a chunk's length, cutting or extending with zeros; makes a missing chunk.</summary>
    public ValueTask<UpdateResult> TruncateAsync(
        ChainId chain, ChunkId chunk, uint length, uint chunkSize, CancellationToken ct = default) =>
        _updater.UpdateAsync(chain, chunk, UpdateKind.Truncate, 0, length, chunkSize, default, ct);

    /// <summary>Sets a chunk's length if it is shorter; makes a missing chunk.</summary>
    public ValueTask<UpdateResult> ExtendAsync(
        ChainId chain, ChunkId chunk, uint length, uint chunkSize, CancellationToken ct = default) =>
        _updater.UpdateAsync(chain, chunk, UpdateKind.Extend, 0, length, chunkSize, default, ct);

    /// <summary>Removes a chunk; a missing one is Ok or <see cref="StatusCode.ChunkNotFound"/>.</summary>
    public ValueTask<UpdateResult> RemoveAsync(ChainId chain, ChunkId chunk, uint chunkSize,
        CancellationToken ct = default) =>
        _updater.UpdateAsync(chain, chunk, UpdateKind.Remove, 0, 0, chunkSize, default, ct);

    /// <summary>The largest chunk of a file on a chain, among the indexes from first to last.</summary>
    public ValueTask<Result<LastChunk>> QueryLastAsync(
        ChainId chain, InodeId inode, ulong firstIndex = 0, ulong lastIndex = ulong.MaxValue,
        CancellationToken ct = default) =>
        _caller.QueryLastAsync(chain, inode, firstIndex, lastIndex, ct);

    /// <summary>Removes every chunk of a file on a chain, among the indexes from first to last; how many there
    /// were.</summary>
    public ValueTask<Result<ulong>> RemoveChunksAsync(
        ChainId chain, InodeId inode, ulong firstIndex = 0, ulong lastIndex = ulong.MaxValue,
        CancellationToken ct = default) =>
        _caller.RemoveChunksAsync(chain, inode, firstIndex, lastIndex, ct);

    /// <summary>Ends a file on a chain as its truncation orders; each step is tried once, none for an order too old.</summary>
    /// <param name="first">First chunk to remove.</param>
    /// <param name="lastLength">Length that the chunk before gets, or 0 to leave it alone.</param>
    public ValueTask<Status> CutAsync(
        ChainId chain, InodeId inode, ulong first, uint lastLength, uint chunkSize, CutOrder order,
        CancellationToken ct = default) =>
        _caller.CutAsync(chain, inode, first, lastLength, chunkSize, order, ct);

    /// <summary>Every update acknowledged before on these chains is on stable storage of all their serving
    /// replicas.</summary>
    public ValueTask<Status> FlushAsync(ReadOnlyMemory<ChainId> chains, CancellationToken ct = default) =>
        _flusher.FlushAsync(chains, ct);
}
