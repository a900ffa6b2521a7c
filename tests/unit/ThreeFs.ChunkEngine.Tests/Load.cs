using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine;

namespace ThreeFs.Storage.Tests.ChunkEngine;

/// <summary>
/// A load of one kind on the owner's thread: <c>width</c> lanes, each with chunks of its own, one operation at a time a lane. What it
/// measures is measured between a warm-up and the end, on that thread.
/// </summary>
internal sealed class Load(ChunkStore store, int width, int chunksOfLane, int chunkBytes)
{
    private readonly BufferPool _pool = new(1L << 30);
    private BufferLease[] _buffers = [];
    private uint _crc;
    private int _length;

    /// <summary>Writes all chunks whole.</summary>
    public async ValueTask<bool> FillAsync()
    {
        await PrepareBuffersAsync(chunkBytes);
        for (var lane = 0; lane < width; lane++)
            for (var i = 0; i < chunksOfLane; i++) await WriteAsync(lane, ChunkOf(lane, i), 0);
        return await store.FoldAsync() == StatusCode.Ok;
    }

    /// <returns>Bytes allocated on the managed heap by the thread during the operations after the warm-up.</returns>
    public async ValueTask<long> RunAsync(int length, bool isWrite, int warmUp, int operations)
    {
        await PrepareBuffersAsync(length);
        await RunLanesAsync(isWrite, warmUp);
        var before = GC.GetAllocatedBytesForCurrentThread();
        await RunLanesAsync(isWrite, operations);
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private ValueTask PrepareBuffersAsync(int length)
    {
        foreach (var old in _buffers) old.Dispose();
        _length = length;
        _buffers = Enumerable.Range(0, width).Select(_ => _pool.TryRent(length)!).ToArray();
        foreach (var buffer in _buffers) new SeededRandom(1).NextBytes(buffer.Memory.Span[..length]);
        _crc = Crc32C.Compute(_buffers[0].Memory.Span[..length]);
        return default;
    }

    private async ValueTask RunLanesAsync(bool isWrite, int operations)
    {
        var lanes = Enumerable.Range(0, width).Select(lane => RunLaneAsync(lane, isWrite, operations / width)).ToArray();
        foreach (var lane in lanes) await lane;
    }

    private async Task RunLaneAsync(int lane, bool isWrite, int operations)
    {
        var random = new SeededRandom((ulong)lane + 1);
        for (var i = 0; i < operations; i++)
        {
            var chunk = ChunkOf(lane, random.Next(chunksOfLane));
            var offset = (uint)(random.Next(chunkBytes / _length) * _length);
            if (isWrite) await WriteAsync(lane, chunk, offset);
            else await ReadAsync(lane, chunk, offset);
        }
    }

    [System.Runtime.CompilerServices.AsyncMethodBuilder(typeof(ThreeFs.Base.Tasks.PooledTaskBuilder<>))]
    private async ValueTask<bool> WriteAsync(int lane, ChunkId chunk, uint offset)
    {
        var update = new ChunkUpdate(
            chunk, UpdateKind.Write, offset, (uint)_length, (uint)chunkBytes, _crc, default, default, new ChainVersion(1));
        var prepared = await store.PrepareAsync(update, _buffers[lane].Memory.Slice(0, _length));
        Invariant.Check(prepared.Code == StatusCode.Ok, "the update is taken");
        var committed = await store.CommitAsync(chunk, prepared.Update, new ChainVersion(1));
        Invariant.Check(committed.Code == StatusCode.Ok, "the commit is taken");
        return true;
    }

    [System.Runtime.CompilerServices.AsyncMethodBuilder(typeof(ThreeFs.Base.Tasks.PooledTaskBuilder<>))]
    private async ValueTask<bool> ReadAsync(int lane, ChunkId chunk, uint offset)
    {
        var result = await store.ReadAsync(chunk, offset, (uint)_length, _buffers[lane].Memory.Slice(0, _length));
        Invariant.Check(result.Code == StatusCode.Ok && result.Length == _length, "the read succeeds");
        return true;
    }

    private static ChunkId ChunkOf(int lane, int index) => new(new InodeId((ulong)lane), (ulong)index);
}
