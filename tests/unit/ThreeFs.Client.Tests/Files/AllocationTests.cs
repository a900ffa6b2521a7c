using Microsoft.Extensions.Time.Testing;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Client.Connections;
using ThreeFs.Client.Files;
using ThreeFs.Client.Storage;
using ThreeFs.Client.Tests.Testing;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Client.Tests.Files;

/// <summary>In steady state a read or write allocates nothing, with several in flight and answers that come
/// later.</summary>
public sealed class AllocationTests : IDisposable
{
    private const int ChunkSize = 1 << 16;
    private const int Depth = 16;
    private readonly StubConnection _connection = new();
    private readonly BufferPool _buffers = new(64 << 20);
    private readonly BufferLease _lease;
    private readonly IoMemory _memory;
    private readonly FileContent _file;

    public AllocationTests()
    {
        var time = new FakeTimeProvider();
        var pool =
            new ConnectionPool(new StubTransport { Ready = _connection }, new ConnectionPoolOptions(), time,
                new SeededRandom(1));
        var targets = Enumerable.Range(1, 3).Select(c => new TargetInfo(
            new TargetId((ulong)c), new ChainId((uint)c), TargetState.Serving, LocalTargetState.UpToDate, new NodeId(
                1), 0, 0, false)).ToArray();
        var routing = new FakeRouting
        {
            Current = new RoutingInfo(
                new RoutingVersion(1), [FakeRouting.Node(1)],
                targets.Select(t =>
                    new ChainInfo(t.Chain, new ChainVersion(1), [new ChainTarget(t.Id, TargetState.Serving)],
                        [])), targets,
                [new ChainTable(new ChainTableId(1), new ChainTableVersion(1), [.. targets.Select(t => t.Chain)], "")]),
        };
        var client = new StorageClient(pool, routing, new StorageClientOptions(), default, time, new SeededRandom(2));
        _file = new FileContents(client, routing, time).Open(FileContentTests.File(5, length: 1 << 20)).Value;
        _lease = _buffers.TryRent(1 << 20)!;
        _memory = _lease.Memory;
        _memory.Span.Clear();
        _connection.OnCall = Answer;
    }

    public void Dispose()
    {
        _lease.Dispose();
        _buffers.Dispose();
    }

    private static int Answer(ushort method, ReadOnlySpan<byte> header, IoSlices receive, byte[] response,
        out int payload)
    {
        payload = 0;
        if (method == (ushort)StorageMethod.Write)
        {
            StorageCodec.Write(response,
                new UpdateResult(StatusCode.Ok, new UpdateVersion(1), new CommitVersion(1), 1, 0, new ChainVersion(1)));
            return StorageCodec.UpdateResultSize;
        }

        StorageCodec.ReadReadPreamble(header, out _, out var count);
        for (var i = 0; i < count; i++)
        {
            var length =
                StorageCodec.ReadReadOp(header[(StorageCodec.PreambleSize + i * StorageCodec.ReadOpSize)..]).Length;
            payload += (int)length;
            StorageCodec.Write(response.AsSpan(i * StorageCodec.ReadResultSize), new ReadResult(
                StatusCode.Ok, length, Crc32C.OfZeros(length), ChunkSize, new UpdateVersion(1), new CommitVersion(1)));
        }

        return count * StorageCodec.ReadResultSize;
    }

    private long Measure(Func<int, ValueTask<Result<int>>> start)
    {
        SynchronizationContext.SetSynchronizationContext(null);
        var tasks = new ValueTask<Result<int>>[Depth];
        var least = long.MaxValue;
        for (var batch = 0; batch < 5; batch++)
        {
            // Pools grow and code is compiled anew in some batches; an allocation of every operation shows in all of them.
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var round = 0; round < 100; round++) Round(tasks, start);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }

    private void Round(ValueTask<Result<int>>[] tasks, Func<int, ValueTask<Result<int>>> start)
    {
        for (var i = 0; i < Depth; i++) tasks[i] = start(i);
        _connection.Complete();
        foreach (var task in tasks)
        {
            Invariant.Check(task.IsCompleted, "every request was answered");
            Invariant.Check(task.GetAwaiter().GetResult().IsOk, "every request succeeds");
        }
    }

    [Fact]
    public void Read_of_one_chunk() =>
        Assert.Equal(0, Measure(i => _file.ReadAsync(i * 4096, _memory.Slice(i * 4096, 4096))));

    [Fact]
    public void Write_of_one_chunk() =>
        Assert.Equal(0, Measure(i => _file.WriteAsync(i * 4096, _memory.Slice(i * 4096, 4096))));

    [Fact]
    public void Read_over_several_chunks() =>
        Assert.Equal(0, Measure(i => _file.ReadAsync(i * 4096, _memory.Slice(0, 3 * ChunkSize))));

    [Fact]
    public void Write_over_several_chunks() =>
        Assert.Equal(0, Measure(i => _file.WriteAsync(i * 4096, _memory.Slice(0, 3 * ChunkSize))));
}
