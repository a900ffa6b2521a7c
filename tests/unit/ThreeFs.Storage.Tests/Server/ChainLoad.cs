using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Contracts.Storage;
using ThreeFs.Io;
using ThreeFs.Transport;

namespace ThreeFs.Storage.Tests.Server;

/// <summary>
/// Requests to a chain's head from one thread, on up to <see cref="MaxWidth"/> lanes, each with chunks of its own and
/// one request at a time. Once its pools have grown it allocates nothing, so that what the process allocates beside it
/// is the servers'.
/// </summary>
internal sealed class ChainLoad : IDisposable
{
    public const int MaxWidth = 16;

    private const int ChunkSize = 1 << 20;
    private const int ChunksOfLane = 4;

    private static readonly ClientId _client = new(new Guid(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));

    private readonly Reactor _reactor;
    private readonly IConnection _head;
    private readonly Lane[] _lanes;
    private readonly BufferPool _buffers = new(1L << 30);

    public ChainLoad(ServedChain chain)
    {
        _reactor = chain.Reactor;
        _head = chain.Head;
        _lanes = [.. Enumerable.Range(1, MaxWidth).Select(i => new Lane(i, _buffers.TryRent(ChunkSize)!))];
    }

    /// <summary>Makes every chunk.</summary>
    public void Fill() => Run(MaxWidth, ChunksOfLane * MaxWidth, static (load, lane, i) =>
        load.WriteAsync(lane, (ulong)i, 0, ChunkSize));

    public void Read(int width, int length, int operations) => Run(width, operations, (load, lane, i) => load.ReadAsync(
        lane, lane.Chunk((ulong)(i % ChunksOfLane)), (uint)(i * length % ChunkSize), length));

    /// <summary>Is told where bytes are, does not look, and gives the place back.</summary>
    public void Locate(int width, int length, int operations) => Run(width, operations, (load, lane, i) => load.LocateAsync(
        lane, lane.Chunk((ulong)(i % ChunksOfLane)), (uint)(i * length % ChunkSize), length));

    public void ReadBatch(int width, int count, int length, int operations) => Run(width, operations, (load, lane, i) =>
        load.ReadBatchAsync(lane, (uint)(i * length % (ChunkSize / 2)), count, length));

    public void Write(int width, int length, int operations) => Run(width, operations, (load, lane, i) =>
        load.WriteAsync(lane, (ulong)(i % ChunksOfLane), (uint)(i * length % ChunkSize), length));

    /// <summary>
    /// Of two lanes one overwrites a chunk and the other reads it, so that reads meet updates under way and may be told
    /// to come again.
    /// </summary>
    public void ReadBesideWrite(int width, int length, int operations) => Run(width, operations, (load, lane, i) =>
    {
        var writer = load._lanes[(lane.Number - 1) & ~1];
        var offset = (uint)(i * length % ChunkSize);
        return lane == writer
            ? load.WriteAsync(lane, 0, offset, length)
            : load.ReadAsync(lane, writer.Chunk(0), offset, length);
    });

    public void Dispose()
    {
        foreach (var lane in _lanes) lane.Buffer.Dispose();
        _buffers.Dispose();
    }

    private void Run(int width, int operations, Func<ChainLoad, Lane, int, ValueTask<bool>> operation) =>
        _reactor.InvokeAsync(() => RunHereAsync(width, operations, operation)).GetAwaiter().GetResult();

    private async ValueTask RunHereAsync(
        int width, int operations, Func<ChainLoad, Lane, int, ValueTask<bool>> operation)
    {
        var running = _lanes.Take(width).Select(lane => RunLaneAsync(lane, operations / width, operation)).ToArray();
        foreach (var lane in running) await lane;
    }

    private async Task RunLaneAsync(Lane lane, int operations, Func<ChainLoad, Lane, int, ValueTask<bool>> operation)
    {
        for (var i = 0; i < operations; i++)
        {
            if (!await operation(this, lane, i))
                throw new InvalidOperationException($"operation {i} of lane {lane.Number} failed");
        }
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<bool> ReadAsync(Lane lane, ChunkId chunk, uint offset, int length)
    {
        using var answer = await SendRead(lane, chunk, offset, 1, length);
        return answer.IsOk && AllRead(answer.Header, 1, length);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<bool> LocateAsync(Lane lane, ChunkId chunk, uint offset, int length)
    {
        ulong hold;
        using (var answer = await SendRead(lane, chunk, offset, 1, length, ReadFlags.MayLocate))
        {
            if (!answer.IsOk || !AllRead(answer.Header, 1, length)) return false;
            if (!ContentLocation.TryRead(answer.Header, out var location)) return false;
            hold = location.Hold;
        }

        using var released = await SendRelease(hold);
        return released.IsOk;
    }

    private ValueTask<CallResult> SendRelease(ulong hold)
    {
        Span<byte> header = stackalloc byte[ContentLocation.ReleaseSize];
        ContentLocation.WriteRelease(header, hold);
        return _head.CallAsync(new Call { Method = (ushort)StorageMethod.ReleaseContent, Header = header });
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<bool> ReadBatchAsync(Lane lane, uint offset, int count, int length)
    {
        using var answer = await SendRead(lane, lane.Chunk(0), offset, count, length);
        return answer.IsOk && AllRead(answer.Header, count, length);
    }

    private ValueTask<CallResult> SendRead(
        Lane lane, ChunkId first, uint offset, int count, int length, ReadFlags flags = ReadFlags.None)
    {
        Span<byte> header = stackalloc byte[StorageCodec.ReadRequestSize(count)];
        StorageCodec.WriteReadPreamble(header, flags, count);
        for (var i = 0; i < count; i++)
        {
            var op = new ReadOp(ServedChain.Chain, first with { Index = first.Index + (ulong)i }, offset, (uint)length);
            StorageCodec.Write(header[(StorageCodec.PreambleSize + i * StorageCodec.ReadOpSize)..], op);
        }

        return _head.CallAsync(new Call
        {
            Method = (ushort)StorageMethod.Read,
            Header = header,
            ReceivePayload = lane.Buffer.Memory.Slice(0, count * length),
        });
    }

    private static bool AllRead(ReadOnlySpan<byte> header, int count, int length)
    {
        for (var i = 0; i < count; i++)
        {
            var result = StorageCodec.ReadReadResult(header[(i * StorageCodec.ReadResultSize)..]);
            if (result.Code == StatusCode.ChunkNotCommitted) continue;
            if (result.Code != StatusCode.Ok || result.Length != length) return false;
        }

        return true;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<bool> WriteAsync(Lane lane, ulong chunk, uint offset, int length)
    {
        using var answer = await SendWrite(lane, chunk, offset, length);
        return answer.IsOk && StorageCodec.ReadUpdateResult(answer.Header).Code == StatusCode.Ok;
    }

    private ValueTask<CallResult> SendWrite(Lane lane, ulong chunk, uint offset, int length)
    {
        var payload = lane.Buffer.Memory.Slice(0, length);
        var tag = new UpdateTag(_client, new ChannelId((ushort)lane.Number), ++lane.Sequence);
        var request = new UpdateRequest(
            ServedChain.Chain, lane.Chunk(chunk), UpdateKind.Write, offset, (uint)length, ChunkSize,
            Crc32C.Compute(payload.Span), tag, default, default);
        Span<byte> header = stackalloc byte[StorageCodec.UpdateRequestSize];
        StorageCodec.Write(header, request);
        return _head.CallAsync(
            new Call { Method = (ushort)StorageMethod.Write, Header = header, SendPayload = payload });
    }

    private sealed class Lane(int number, BufferLease buffer)
    {
        public int Number { get; } = number;

        public BufferLease Buffer { get; } = buffer;

        public ulong Sequence { get; set; }

        public ChunkId Chunk(ulong index) => new(new InodeId((ulong)Number), index);
    }
}
