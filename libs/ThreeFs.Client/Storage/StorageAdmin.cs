using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Client.Connections;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;
using ThreeFs.Transport;

namespace ThreeFs.Client.Storage;

/// <summary>A page of a replica's chunks.</summary>
/// <param name="End">No chunk follows.</param>
public sealed record ChunkListing(ImmutableArray<ChunkMeta> Chunks, bool End);

/// <summary>
/// Questions to one node or one replica, whatever its state: for administration, the checker and the space of the
/// cluster. One attempt each; the caller sees the failure.
/// </summary>
public sealed class StorageAdmin
{
    private readonly ConnectionPool _pool;
    private readonly IRoutingSource _routing;
    private readonly StorageClientOptions _options;
    private readonly BufferPool _buffers = new(64L << 20);

    internal StorageAdmin(ConnectionPool pool, IRoutingSource routing, StorageClientOptions options)
    {
        _pool = pool;
        _routing = routing;
        _options = options;
    }

    /// <summary>Space of every disk of a storage node.</summary>
    public async ValueTask<Result<ImmutableArray<DiskSpace>>> SpaceInfoAsync(NodeId node,
        CancellationToken ct = default)
    {
        var opened = await ConnectAsync(node, ct);
        if (!opened.TryGet(out var connection)) return opened.Status;
        using var answer = await StorageWire.SpaceInfo(connection, _options.ReadAttempt, ct);
        if (!answer.IsOk) return answer.Status;
        var code = StorageCodec.ReadPreamble(answer.Header, out _, out var count);
        if (code != StatusCode.Ok) return new Status(code, $"node {node} answered with an unknown format");
        if (answer.Header.Length < StorageCodec.PreambleSize + count * StorageRequestCodec.DiskSpaceSize)
            return TooShort(node);
        var disks = ImmutableArray.CreateBuilder<DiskSpace>(count);
        for (var i = 0; i < count; i++)
            disks.Add(
                StorageRequestCodec.ReadDiskSpace(
                    answer.Header[(StorageCodec.PreambleSize + i * StorageRequestCodec.DiskSpaceSize)..]));
        return disks.MoveToImmutable();
    }

    /// <summary>Makes a target on a node's disk; doing it again is Ok.</summary>
    public async ValueTask<Status> CreateTargetAsync(NodeId node, CreateTargetRequest request,
        CancellationToken ct = default)
    {
        var opened = await ConnectAsync(node, ct);
        if (!opened.TryGet(out var connection)) return opened.Status;
        using var answer = await StorageWire.CreateTarget(connection, request, _options.UpdateAttempt * 4, ct);
        return answer.Status;
    }

    /// <summary>Every target of a node, in order of their ids, with the progress of what it brings up to date.</summary>
    public async ValueTask<Result<ImmutableArray<TargetReport>>> ListTargetsAsync(NodeId node, CancellationToken ct = default)
    {
        var opened = await ConnectAsync(node, ct);
        if (!opened.TryGet(out var connection)) return opened.Status;
        var all = ImmutableArray.CreateBuilder<TargetReport>();
        for (var isLast = false; !isLast;)
        {
            var request = new ListTargetsRequest(all.Count == 0 ? default : all[^1].Target);
            using var answer = await StorageWire.ListTargets(connection, request, _options.ReadAttempt, ct);
            if (!answer.IsOk) return answer.Status;
            var code = StorageCodec.ReadPreamble(answer.Header, out var end, out var count);
            if (code != StatusCode.Ok) return new Status(code, $"node {node} answered with an unknown format");
            if (answer.Header.Length < StorageCodec.PreambleSize + count * StorageRequestCodec.TargetReportSize) return TooShort(node);
            for (var i = 0; i < count; i++)
            {
                var at = StorageCodec.PreambleSize + i * StorageRequestCodec.TargetReportSize;
                all.Add(StorageRequestCodec.ReadTargetReport(answer.Header[at..]));
            }

            isLast = end != 0 || count == 0;
        }

        return all.ToImmutable();
    }

    /// <summary>Asks a Serving target to stop serving; see <see cref="StepDownRequest"/>.</summary>
    public async ValueTask<Status> StepDownAsync(StepDownRequest request, CancellationToken ct = default)
    {
        var opened = await ConnectAsync(request.Target, ct);
        if (!opened.TryGet(out var connection)) return opened.Status;
        using var answer = await StorageWire.StepDown(connection, request, _options.UpdateAttempt, ct);
        return answer.Status;
    }

    /// <summary>Deletes a target that no chain has, with its data; see <see cref="DestroyTargetRequest"/>.</summary>
    public async ValueTask<Status> DestroyTargetAsync(NodeId node, DestroyTargetRequest request, CancellationToken ct = default)
    {
        var opened = await ConnectAsync(node, ct);
        if (!opened.TryGet(out var connection)) return opened.Status;
        using var answer = await StorageWire.DestroyTarget(connection, request, _options.UpdateAttempt * 4, ct);
        return answer.Status;
    }

    /// <summary>What a replica holds of a chunk; <see cref="StatusCode.ChunkNotFound"/> when nothing.</summary>
    public async ValueTask<Result<ChunkMeta>> QueryChunkAsync(TargetId target, ChunkId chunk,
        CancellationToken ct = default)
    {
        var opened = await ConnectAsync(target, ct);
        if (!opened.TryGet(out var connection)) return opened.Status;
        using var answer =
            await StorageWire.QueryChunk(connection, new QueryChunkRequest(target, chunk), _options.ReadAttempt, ct);
        if (!answer.IsOk) return answer.Status;
        if (answer.Header.Length < StorageCodec.ChunkMetaSize) return TooShort(target);
        return StorageCodec.ReadChunkMeta(answer.Header);
    }

    /// <summary>Chunks of a replica behind <paramref name="after"/> (null: from the beginning), in order of their
    /// ids.</summary>
    public async ValueTask<Result<ChunkListing>> ListChunksAsync(
        TargetId target, ChunkId? after, int limit = 4096, CancellationToken ct = default)
    {
        if (limit is <= 0 or > StorageRequestCodec.MaxListedChunks)
            return new Status(StatusCode.InvalidArgument,
                $"a listing has 1 to {StorageRequestCodec.MaxListedChunks} chunks, not {limit}");
        var opened = await ConnectAsync(target, ct);
        if (!opened.TryGet(out var connection)) return opened.Status;
        using var buffer = _buffers.TryRent(limit * StorageCodec.ChunkMetaSize);
        if (buffer is null) return new Status(StatusCode.Overloaded, "too many listings at the same time");
        var request = new ListChunksRequest(target, after, (uint)limit);
        var destination = buffer.Memory.Slice(0, limit * StorageCodec.ChunkMetaSize);
        using var answer =
            await StorageWire.ListChunks(connection, request, destination, _options.UpdateAttempt * 2, ct);
        if (!answer.IsOk) return answer.Status;
        var code = StorageCodec.ReadPreamble(answer.Header, out var end, out var count);
        if (code != StatusCode.Ok) return new Status(code, $"target {target} answered with an unknown format");
        if (count > limit || answer.PayloadLength < count * StorageCodec.ChunkMetaSize) return TooShort(target);
        var chunks = ImmutableArray.CreateBuilder<ChunkMeta>(count);
        for (var i = 0; i < count; i++)
            chunks.Add(StorageCodec.ReadChunkMeta(destination.Span[(i * StorageCodec.ChunkMetaSize)..]));
        return new ChunkListing(chunks.MoveToImmutable(), end != 0);
    }

    /// <summary>
    /// Reads bytes of a chunk from one serving replica and no other, verified: what the checker needs to know of every
    /// copy. Answers as <see cref="StorageClient.ReadAsync"/> does.
    /// </summary>
    public async ValueTask<ReadResult> ReadReplicaAsync(
        TargetId target, ChunkId chunk, uint offset, IoMemory destination, CancellationToken ct = default)
    {
        var routing = _routing.Current;
        if (!routing.Targets.TryGetValue(target, out var info)
            || !routing.Chains.TryGetValue(info.Chain, out var chain))
            return StorageWire.Failed(StatusCode.TargetNotFound);
        var opened = await ConnectAsync(target, ct);
        if (!opened.TryGet(out var connection)) return StorageWire.Failed(opened.Code);
        var wanted = (uint)destination.Length;
        var op = new ReadOp(new VersionedChain(chain.Id, chain.Version), chunk, offset, wanted);
        using var answer =
            await StorageWire.Read(connection, op, ReadFlags.None, destination, _options.ReadAttempt, ct);
        return StorageWire.ReadAnswer(answer, 0, 0, wanted, destination);
    }

    private ValueTask<Result<IConnection>> ConnectAsync(TargetId target, CancellationToken ct) =>
        _routing.Current.NodeOf(target) is { } node
            ? ConnectAsync(node.Id, ct)
            : new(new Status(StatusCode.TargetNotFound, $"no node is known to hold target {target}"));

    private ValueTask<Result<IConnection>> ConnectAsync(NodeId id, CancellationToken ct)
    {
        if (!_routing.Current.Nodes.TryGetValue(id, out var node))
            return new(
                new Status(StatusCode.NodeNotFound, $"routing version {_routing.Current.Version} has no node {id}"));
        return _pool.Peer(node) is { } peer
            ? peer.GetAsync(ct)
            : new(new Status(StatusCode.ConnectFailed, $"node {id} announces no data endpoint"));
    }

    private static Status TooShort(object who) => new(StatusCode.ProtocolError, $"the answer of {who} is too short");
}
