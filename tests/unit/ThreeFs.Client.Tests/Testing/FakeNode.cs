using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Storage;
using ThreeFs.Transport;

namespace ThreeFs.Client.Tests.Testing;

/// <summary>What a node does with its next request instead of answering it well.</summary>
public enum Fault
{
    None,
    /// <summary>Answers with <see cref="FakeNode.FaultCode"/> and does nothing.</summary>
    Refuse,
    /// <summary>Executes and then closes the connection without an answer.</summary>
    LoseAnswer,
    /// <summary>Reads answer bytes that do not match the checksum.</summary>
    Corrupt,
    /// <summary>Neither executes nor answers.</summary>
    Hang,
}

/// <summary>One storage node: the chunk service's semantics on the cluster's shared chunks, exactly-once
/// included.</summary>
internal sealed class FakeNode : IServerHandler
{
    private readonly FakeCluster _cluster;
    private readonly List<TaskCompletionSource<Reply>> _hanging = [];
    private IListener? _listener;

    public FakeNode(FakeCluster cluster, uint id)
    {
        _cluster = cluster;
        Id = id;
        Start();
    }

    public uint Id { get; }

    /// <summary>Faults of the next requests, first in first out; then none.</summary>
    public Queue<Fault> Faults { get; } = new();

    /// <summary>Fault of every request while it is not None.</summary>
    public Fault Always { get; set; }

    public StatusCode FaultCode { get; set; } = StatusCode.Overloaded;

    public int Connections { get; private set; }

    public int Flushes { get; private set; }

    /// <summary>Called before a request is executed.</summary>
    public Action<StorageMethod>? Before { get; set; }

    public void Start() => _listener = _cluster.Transport.Listen(Endpoint.InProc($"s{Id}"), this).Value;

    public async Task StopAsync()
    {
        var listener = _listener;
        _listener = null;
        if (listener is not null) await listener.DisposeAsync();
    }

    public void ConnectionOpened(ServerConnection connection) => Connections++;

    public Status Accept(ServerRequest request)
    {
        var lease = _cluster.Buffers.TryRent(request.PayloadLength)!;
        request.ReceiveInto(lease.Memory, lease);
        return Status.Ok;
    }

    public ValueTask<Reply> HandleAsync(ServerRequest request)
    {
        var method = (StorageMethod)request.Method;
        Before?.Invoke(method);
        var fault = Faults.TryDequeue(out var next) ? next : Always;
        if (fault == Fault.Refuse) return new(FaultCode);
        if (fault == Fault.Hang) return HangAsync();
        var reply = method switch
        {
            StorageMethod.Read => Read(request, fault),
            StorageMethod.Write => Update(request),
            StorageMethod.QueryLast => QueryLast(request),
            StorageMethod.RemoveChunks => RemoveChunks(request),
            StorageMethod.Flush => Flush(request),
            StorageMethod.SpaceInfo => Space(request),
            StorageMethod.ListChunks => List(request),
            _ => StatusCode.NotImplemented,
        };
        if (fault != Fault.LoseAnswer) return new(reply);
        reply.PayloadOwner?.Dispose();
        return LoseAsync();
    }

    /// <summary>Ends what hangs, so that the memory of its requests comes back.</summary>
    public void Release()
    {
        foreach (var request in _hanging) request.TrySetResult(StatusCode.Unavailable);
    }

    private ValueTask<Reply> HangAsync()
    {
        var request = new TaskCompletionSource<Reply>();
        _hanging.Add(request);
        return new(request.Task);
    }

    private async ValueTask<Reply> LoseAsync()
    {
        await StopAsync();
        Start();
        return StatusCode.Unavailable;
    }

    private StatusCode Check(VersionedChain chain, bool atHead)
    {
        if (chain.Version != _cluster.VersionOf(chain.Id)) return StatusCode.ChainVersionMismatch;
        return atHead && _cluster.HeadOf(chain.Id) != Id ? StatusCode.NotHead : StatusCode.Ok;
    }

    private Reply Read(ServerRequest request, Fault fault)
    {
        Assert.Equal(StatusCode.Ok, StorageCodec.ReadReadPreamble(request.Header, out _, out var count));
        var ops = new ReadOp[count];
        for (var i = 0; i < count; i++)
            ops[i] = StorageCodec.ReadReadOp(request.Header[(8 + i * StorageCodec.ReadOpSize)..]);
        var total = ops.Sum(o => o.Length);
        _cluster.Seen.Enqueue(new SeenRequest(Id, StorageMethod.Read, ops[0].Chain, default, count, (int)total));
        var lease = _cluster.Buffers.TryRent((int)total)!;
        var header = request.ResponseHeader(count * StorageCodec.ReadResultSize);
        var at = 0;
        var delivered = 0;
        for (var i = 0; i < count; i++)
        {
            var place = lease.Memory.Slice(at, (int)ops[i].Length).Span;
            place.Clear();
            var result = ReadOne(ops[i], place);
            delivered = at + (int)result.Length;
            StorageCodec.Write(header[(i * StorageCodec.ReadResultSize)..], result);
            if (fault == Fault.Corrupt && result.Length > 0) place[(int)result.Length / 2] ^= 1;
            at += (int)ops[i].Length;
        }

        return new Reply
        {
            HeaderLength = count * StorageCodec.ReadResultSize, Payload =
                lease.Memory.Slice(0, delivered), PayloadOwner = lease,
        };
    }

    private ReadResult ReadOne(in ReadOp op, Span<byte> place)
    {
        var code = Check(op.Chain, atHead: false);
        if (code != StatusCode.Ok) return new ReadResult(code, 0, 0, 0, default, default);
        if (!_cluster.Chunks.TryGetValue((op.Chain.Id, op.Chunk), out var chunk))
            return new ReadResult(StatusCode.ChunkNotFound, 0, 0, 0, default, default);
        var length = (int)Math.Clamp(chunk.Length - (long)op.Offset, 0, op.Length);
        if (length > 0) chunk.AsSpan((int)op.Offset, length).CopyTo(place);
        return new ReadResult(
            StatusCode.Ok, (uint)length, Crc32C.Compute(place[..length]), (uint)chunk.Length, new UpdateVersion(
                1), new CommitVersion(1));
    }

    private Reply Update(ServerRequest request)
    {
        Assert.Equal(StatusCode.Ok, StorageCodec.ReadUpdateRequest(request.Header, out var update));
        _cluster.Seen.Enqueue(
            new SeenRequest(Id, StorageMethod.Write, update.Chain, update.Tag, 1, request.PayloadLength));
        var result = Execute(update, request.Payload);
        StorageCodec.Write(request.ResponseHeader(StorageCodec.UpdateResultSize), result);
        return new Reply { HeaderLength = StorageCodec.UpdateResultSize };
    }

    private UpdateResult Execute(in UpdateRequest update, IoSlices payload)
    {
        var code = Check(update.Chain, atHead: true);
        if (code != StatusCode.Ok)
            return new UpdateResult(code, default, default, 0, 0, _cluster.VersionOf(update.Chain.Id));
        var channels = _cluster.Channels;
        var key = (update.Tag.Client, update.Tag.Channel, update.Chain.Id);
        if (channels.TryGetValue(key, out var last))
        {
            if (update.Tag.Sequence < last.Item1)
                return new UpdateResult(StatusCode.ChannelSequenceStale, default, default, 0, 0, default);
            if (update.Tag.Sequence == last.Item1) return last.Item2;
        }

        var bytes = new byte[update.PayloadLength];
        payload.CopyTo(0, bytes);
        if (Crc32C.Compute(bytes) != update.Crc)
            return new UpdateResult(StatusCode.ChecksumMismatch, default, default, 0, 0, default);
        var result = Apply(update, bytes);
        channels[key] = (update.Tag.Sequence, result);
        return result;
    }

    private UpdateResult Apply(in UpdateRequest update, byte[] bytes)
    {
        var key = (update.Chain.Id, update.Chunk);
        var old = _cluster.Chunks.GetValueOrDefault(key, []);
        var length = update.Kind switch
        {
            UpdateKind.Write => Math.Max(old.Length, (int)update.Offset + bytes.Length),
            UpdateKind.Truncate => (int)update.Length,
            UpdateKind.Extend => Math.Max(old.Length, (int)update.Length),
            _ => -1,
        };
        if (length < 0)
        {
            _cluster.Chunks.TryRemove(key, out _);
            return new UpdateResult(StatusCode.Ok, new UpdateVersion(1), new CommitVersion(1), 0, 0,
                update.Chain.Version);
        }

        if (length > update.ChunkSize)
            return new UpdateResult(StatusCode.InvalidArgument, default, default, 0, 0, default);
        var chunk = new byte[length];
        old.AsSpan(0, Math.Min(old.Length, length)).CopyTo(chunk);
        bytes.CopyTo(chunk, update.Kind == UpdateKind.Write ? (int)update.Offset : 0);
        _cluster.Chunks[key] = chunk;
        return new UpdateResult(
            StatusCode.Ok, new UpdateVersion(1), new CommitVersion(1), (uint)length, Crc32C.Compute(
                chunk), update.Chain.Version);
    }

    private Reply QueryLast(ServerRequest request)
    {
        Assert.Equal(StatusCode.Ok, StorageRequestCodec.Read(request.Header, out QueryLastRequest query));
        _cluster.Seen.Enqueue(new SeenRequest(Id, StorageMethod.QueryLast, query.Chain, default, 1, 0));
        var code = Check(query.Chain, atHead: false);
        if (code != StatusCode.Ok) return code;
        var found = InRange(query.Chain.Id, query.Inode, query.FirstIndex, query.LastIndex);
        var result = found.Count == 0
            ? LastChunk.None(StatusCode.Ok)
            : new LastChunk(StatusCode.Ok, true, found[^1].Index, (uint)_cluster.Chunks[(query.Chain.Id, found[^1])].Length);
        StorageCodec.Write(request.ResponseHeader(StorageCodec.LastChunkSize), result);
        return new Reply { HeaderLength = StorageCodec.LastChunkSize };
    }

    private Reply RemoveChunks(ServerRequest request)
    {
        Assert.Equal(StatusCode.Ok, StorageRequestCodec.Read(request.Header, out RemoveChunksRequest remove));
        _cluster.Seen.Enqueue(
            new SeenRequest(Id, StorageMethod.RemoveChunks, remove.Chain, remove.Tag, (int)remove.MaxCount, 0));
        var code = Check(remove.Chain, atHead: true);
        if (code != StatusCode.Ok) return code;
        if (remove.LastLength != 0)
        {
            var last = (remove.Chain.Id, new ChunkId(remove.Inode, remove.FirstIndex - 1));
            var bytes = _cluster.Chunks.GetValueOrDefault(last, []);
            Array.Resize(ref bytes, (int)remove.LastLength);
            _cluster.Chunks[last] = bytes;
        }

        var found = InRange(remove.Chain.Id, remove.Inode, remove.FirstIndex, remove.LastIndex);
        var removed = 0u;
        for (var i = found.Count - 1; i >= 0 && removed < remove.MaxCount; i--, removed++)
            _cluster.Chunks.TryRemove((remove.Chain.Id, found[i]), out _);
        var result = new RemoveChunksResult(StatusCode.Ok, removed, found.Count > removed);
        StorageRequestCodec.Write(request.ResponseHeader(StorageRequestCodec.RemoveChunksResultSize), result);
        return new Reply { HeaderLength = StorageRequestCodec.RemoveChunksResultSize };
    }

    private Reply Flush(ServerRequest request)
    {
        Assert.Equal(StatusCode.Ok, StorageRequestCodec.ReadFlushPreamble(request.Header, out var count));
        Flushes++;
        var chains = new VersionedChain[count];
        for (var i = 0; i < count; i++) chains[i] = StorageCodec.GetChain(request.Header[(8 + i * 8)..]);
        _cluster.Seen.Enqueue(new SeenRequest(Id, StorageMethod.Flush, chains[0], default, count, 0));
        var header = request.ResponseHeader(count * StorageRequestCodec.FlushResultSize);
        for (var i = 0; i < count; i++)
        {
            var result = new FlushResult(Check(chains[i], atHead: false), _cluster.VersionOf(chains[i].Id));
            StorageRequestCodec.Write(header[(i * StorageRequestCodec.FlushResultSize)..], result);
        }

        return new Reply { HeaderLength = count * StorageRequestCodec.FlushResultSize };
    }

    private Reply Space(ServerRequest request)
    {
        var header = request.ResponseHeader(8 + StorageRequestCodec.DiskSpaceSize);
        StorageCodec.WritePreamble(header, 0, 1);
        StorageRequestCodec.Write(header[8..], new DiskSpace(0, 100, 60, 40, _cluster.DeviceOf(Id)));
        return new Reply { HeaderLength = 8 + StorageRequestCodec.DiskSpaceSize };
    }

    private Reply List(ServerRequest request)
    {
        Assert.Equal(StatusCode.Ok, StorageRequestCodec.Read(request.Header, out ListChunksRequest list));
        var chain = new ChainId((uint)(list.Target.Value / 100));
        var all =
            _cluster.Chunks.Where(c =>
                c.Key.Item1 == chain && (list.After is not { } after || c.Key.Item2.CompareTo(after) > 0))
            .OrderBy(c => c.Key.Item2).ToArray();
        var page = all.Take((int)list.Limit).ToArray();
        var lease = _cluster.Buffers.TryRent(Math.Max(1, page.Length * StorageCodec.ChunkMetaSize))!;
        for (var i = 0; i < page.Length; i++)
        {
            var meta =
                new ChunkMeta(page[i].Key.Item2, new UpdateVersion(1), new CommitVersion(1), new ChainVersion(1),
                    (uint)page[i].Value.Length, 0, false);
            StorageCodec.Write(lease.Memory.Span[(i * StorageCodec.ChunkMetaSize)..], meta);
        }

        StorageCodec.WritePreamble(request.ResponseHeader(8), page.Length == all.Length ? (byte)1
            : (byte)0, (ushort)page.Length);
        return new Reply { HeaderLength = 8, Payload = lease.Memory.Slice(0, page.Length * StorageCodec.ChunkMetaSize),
            PayloadOwner = lease };
    }

    private List<ChunkId> InRange(ChainId chain, InodeId inode, ulong first, ulong last) =>
        [.. _cluster.Chunks.Keys.Where(k =>
            k.Item1 == chain && k.Item2.Inode == inode && k.Item2.Index >= first && k.Item2.Index <= last)
            .Select(k => k.Item2).Order()];
}
