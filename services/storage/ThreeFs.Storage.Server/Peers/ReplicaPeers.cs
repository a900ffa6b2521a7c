using System.Collections.Immutable;
using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Client.Connections;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.Peers;
using ThreeFs.Storage.Threading;
using ThreeFs.Transport;

namespace ThreeFs.Storage.Server.Peers;

/// <summary>
/// The other nodes over the data plane, for the targets of one executor. One connection for each node, so that updates arrive in the
/// order they were sent; when it is replaced, the epoch rises.
/// </summary>
internal sealed class ReplicaPeers(ConnectionPool pool, IExecutor executor, BufferPool buffers) : IReplicaPeers
{
    private sealed class Line
    {
        public IConnection? Connection;
        public ulong Epoch;
    }

    private readonly Dictionary<Peer, Line> _lines = [];

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<UpdateResult> UpdateAsync(
        NodeInfo node, UpdateRequest request, IoSlices payload, TimeSpan timeout, CancellationToken ct)
    {
        if (pool.Peer(node) is not { } peer) return Failure(StatusCode.ConnectFailed);
        var connection = peer.TryGet();
        if (connection is null)
        {
            var opened = await OpenAsync(peer, ct);
            if (!opened.TryGet(out connection)) return Failure(opened.Code);
        }

        request = request with { ForwardEpoch = EpochOf(peer, connection) };
        using var answer = await Send(connection, request, payload, timeout, ct);
        await executor.Enter();
        if (answer.IsOk) Metrics.BytesForwarded.Inc(request.PayloadLength);
        return UpdateAnswer(answer);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<UpdateResult> QueryCommittedAsync(NodeInfo node, QueryCommittedRequest request, TimeSpan timeout)
    {
        if (pool.Peer(node) is not { } peer) return Failure(StatusCode.ConnectFailed);
        var connection = peer.TryGet();
        if (connection is null)
        {
            var opened = await OpenAsync(peer, CancellationToken.None);
            if (!opened.TryGet(out connection)) return Failure(opened.Code);
        }

        using var answer = await Send(connection, request, timeout);
        await executor.Enter();
        return UpdateAnswer(answer);
    }

    public async ValueTask<UpdateResult> SyncDoneAsync(
        NodeInfo node, VersionedChain chain, TargetId target, ChannelUpdate[] channels, TimeSpan timeout)
    {
        if (pool.Peer(node) is not { } peer) return Failure(StatusCode.ConnectFailed);
        var opened = await OpenAsync(peer, CancellationToken.None);
        if (!opened.TryGet(out var connection)) return Failure(opened.Code);
        var size = channels.Length * ChannelUpdate.Size;
        using var buffer = buffers.TryRent(size);
        if (buffer is null) return Failure(StatusCode.Overloaded);
        var payload = buffer.Memory.Slice(0, size);
        for (var i = 0; i < channels.Length; i++) channels[i].WriteTo(payload.Span[(i * ChannelUpdate.Size)..]);
        var request = new SyncDoneRequest(chain, target, (uint)channels.Length, Crc32C.Compute(payload.Span));
        using var answer = await Send(connection, request, payload, timeout);
        await executor.Enter();
        return UpdateAnswer(answer);
    }

    public async ValueTask<Result<ChunkPage>> ListChunksAsync(
        NodeInfo node, ListChunksRequest request, TimeSpan timeout, CancellationToken ct)
    {
        if (pool.Peer(node) is not { } peer) return new Status(StatusCode.ConnectFailed, $"node {node.Id} announces no data endpoint");
        var opened = await OpenAsync(peer, ct);
        if (!opened.TryGet(out var connection)) return opened.Status;
        var room = (int)request.Limit * StorageCodec.ChunkMetaSize;
        using var buffer = buffers.TryRent(room);
        if (buffer is null) return StatusCode.Overloaded;
        using var answer = await Send(connection, request, buffer.Memory.Slice(0, room), timeout, ct);
        await executor.Enter();
        return ReadPage(answer, buffer.Memory);
    }

    public async ValueTask<ReadResult> ReadAsync(NodeInfo node, ReadOp op, ReadFlags flags, IoSlices destination, TimeSpan timeout)
    {
        if (pool.Peer(node) is not { } peer) return Failed(StatusCode.ConnectFailed);
        var opened = await OpenAsync(peer, CancellationToken.None);
        if (!opened.TryGet(out var connection)) return Failed(opened.Code);
        using var answer = await Send(connection, op, flags, destination, timeout);
        await executor.Enter();
        if (!answer.IsOk) return Failed(answer.Status.Code);
        if (answer.Header.Length < StorageCodec.ReadResultSize) return Failed(StatusCode.ProtocolError);
        var result = StorageCodec.ReadReadResult(answer.Header);
        if (result.Code != StatusCode.Ok) return result with { Length = 0 };
        if (result.Length > op.Length || answer.PayloadLength != result.Length) return Failed(StatusCode.ProtocolError);
        return Checksum(destination, result.Length) == result.Crc ? result : Failed(StatusCode.ChecksumMismatch);
    }

    private async ValueTask<Result<IConnection>> OpenAsync(Peer peer, CancellationToken ct)
    {
        var opened = await peer.GetAsync(ct);
        await executor.Enter();
        return opened;
    }

    private ulong EpochOf(Peer peer, IConnection connection)
    {
        if (!_lines.TryGetValue(peer, out var line)) _lines.Add(peer, line = new Line());
        if (ReferenceEquals(line.Connection, connection)) return line.Epoch;
        line.Connection = connection;
        return ++line.Epoch;
    }

    private static ValueTask<CallResult> Send(
        IConnection connection, in UpdateRequest request, IoSlices payload, TimeSpan timeout, CancellationToken ct)
    {
        Span<byte> header = stackalloc byte[StorageCodec.UpdateRequestSize];
        StorageCodec.Write(header, request);
        var call = new Call { Method = (ushort)StorageMethod.Update, Header = header, SendPayload = payload, Timeout = timeout };
        return connection.CallAsync(call, ct);
    }

    private static ValueTask<CallResult> Send(IConnection connection, in QueryCommittedRequest request, TimeSpan timeout)
    {
        Span<byte> header = stackalloc byte[ReplicaCodec.QueryCommittedSize];
        ReplicaCodec.Write(header, request);
        return connection.CallAsync(new Call { Method = (ushort)StorageMethod.QueryCommitted, Header = header, Timeout = timeout });
    }

    private static ValueTask<CallResult> Send(IConnection connection, in SyncDoneRequest request, IoSlices payload, TimeSpan timeout)
    {
        Span<byte> header = stackalloc byte[ReplicaCodec.SyncDoneSize];
        ReplicaCodec.Write(header, request);
        var call = new Call { Method = (ushort)StorageMethod.SyncDone, Header = header, SendPayload = payload, Timeout = timeout };
        return connection.CallAsync(call);
    }

    private static ValueTask<CallResult> Send(
        IConnection connection, in ListChunksRequest request, IoSlices destination, TimeSpan timeout, CancellationToken ct)
    {
        Span<byte> header = stackalloc byte[StorageRequestCodec.ListChunksSize];
        StorageRequestCodec.Write(header, request);
        var call = new Call { Method = (ushort)StorageMethod.ListChunks, Header = header, ReceivePayload = destination, Timeout = timeout };
        return connection.CallAsync(call, ct);
    }

    private static ValueTask<CallResult> Send(IConnection connection, in ReadOp op, ReadFlags flags, IoSlices destination, TimeSpan timeout)
    {
        Span<byte> header = stackalloc byte[StorageCodec.PreambleSize + StorageCodec.ReadOpSize];
        StorageCodec.WriteReadPreamble(header, flags, 1);
        StorageCodec.Write(header[StorageCodec.PreambleSize..], op);
        return connection.CallAsync(new Call { Method = (ushort)StorageMethod.Read, Header = header, ReceivePayload = destination, Timeout = timeout });
    }

    private static Result<ChunkPage> ReadPage(in CallResult answer, IoMemory memory)
    {
        if (!answer.IsOk) return answer.Status;
        var code = StorageCodec.ReadPreamble(answer.Header, out var isLast, out var count);
        if (code != StatusCode.Ok) return code;
        if (answer.PayloadLength != count * StorageCodec.ChunkMetaSize) return StatusCode.ProtocolError;
        var chunks = ImmutableArray.CreateBuilder<ChunkMeta>(count);
        for (var i = 0; i < count; i++) chunks.Add(StorageCodec.ReadChunkMeta(memory.Span[(i * StorageCodec.ChunkMetaSize)..]));
        return new ChunkPage(chunks.MoveToImmutable(), isLast != 0);
    }

    private static UpdateResult UpdateAnswer(in CallResult answer)
    {
        if (!answer.IsOk) return Failure(answer.Status.Code);
        return answer.Header.Length >= StorageCodec.UpdateResultSize
            ? StorageCodec.ReadUpdateResult(answer.Header)
            : Failure(StatusCode.ProtocolError);
    }

    private static uint Checksum(IoSlices payload, long length)
    {
        var crc = 0u;
        for (var i = 0; length > 0; i++)
        {
            var piece = payload[i].Span;
            if (piece.Length > length) piece = piece[..(int)length];
            crc = Crc32C.Append(crc, piece);
            length -= piece.Length;
        }

        return crc;
    }

    private static ReadResult Failed(StatusCode code) => new(code, 0, 0, 0, default, default);

    private static UpdateResult Failure(StatusCode code) => new(code, default, default, 0, 0, default);
}
