using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Client.Storage;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Client.Files;

/// <summary>
/// Requests over several chunks: split at chunk boundaries, a window of chunks at the same time, reads of one replica
/// in one request. Shared by all files of a client; allocates nothing in steady state.
/// </summary>
internal sealed class ManyChunks(StorageClient storage)
{
    /// <summary>Chunks of one request that are under way at the same time.</summary>
    private const int Window = 64;

    private readonly BoundedPool<Scratch> _pool = new(256);

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<Result<int>> ReadAsync(
        FileContent file, long offset, IoSlices destination, long length, CancellationToken ct)
    {
        var scratch = _pool.TryTake() ?? new Scratch();
        var done = 0L;
        var failure = Status.Ok;
        while (done < length && failure.IsOk)
        {
            var count = PlanReads(scratch, file, offset + done, destination, done, length);
            await storage.ReadBatchAsync(scratch.Reads, count, ReadFlags.None, ct);
            for (var i = 0; i < count && failure.IsOk; i++)
            {
                var piece = scratch.Reads[i];
                var wanted = piece.Destination.TotalLength;
                if (piece.Result.Code is not (StatusCode.Ok or StatusCode.ChunkNotFound))
                {
                    failure = file.Failure("read", piece.Chunk.Index, piece.Result.Code);
                    break;
                }

                if (piece.Result.Length < wanted) SliceWindow.Clear(piece.Destination, piece.Result.Length);
                done += wanted;
            }

            scratch.Clear(count);
        }

        _pool.TryAdd(scratch);
        return done > 0 ? (int)done : failure;
    }

    /// <summary>Runs inside the file's write gate.</summary>
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<Result<int>> WriteAsync(FileContent file, long offset, IoSlices source, CancellationToken ct)
    {
        var scratch = _pool.TryTake() ?? new Scratch();
        var under = file.State.Version;
        var length = source.TotalLength;
        var done = 0L;
        var failure = Status.Ok;
        while (done < length && failure.IsOk)
        {
            var count = StartWrites(scratch, file, offset + done, source, done, length, ct);
            for (var i = 0; i < count; i++)
            {
                var result = await scratch.Writes[i];
                var wrote = scratch.Windows[i].Slices.TotalLength;
                var at = file.Placement.ChunkIndexOf(offset + done + scratch.Starts[i]);
                file.Dirty.Mark(file.ChainOf(at));
                if (result.Code != StatusCode.Ok)
                {
                    file.WriteFailed();
                    if (failure.IsOk) failure = file.Failure("write", at, result.Code);
                }
                else if (failure.IsOk)
                {
                    scratch.Good += wrote;
                }
            }

            done += scratch.Good;
            scratch.Clear(count);
        }

        _pool.TryAdd(scratch);
        if (done == 0) return failure;
        file.Wrote(offset + done, under);
        return (int)done;
    }

    private static int PlanReads(Scratch scratch, FileContent file, long offset, IoSlices destination, long from,
        long length)
    {
        var count = 0;
        for (; count < Window && from < length; count++)
        {
            var (index, within, size) = Split(file, offset, length - from);
            scratch.Windows[count] = SliceWindow.Of(destination, from, size);
            scratch.Reads[count] = new ReadPiece(
                file.ChainOf(index), new ChunkId(file.Inode, index), within, scratch.Windows[count].Slices);
            offset += size;
            from += size;
        }

        return count;
    }

    private int StartWrites(
        Scratch scratch, FileContent file, long offset, IoSlices source, long from, long length, CancellationToken ct)
    {
        var first = from;
        var count = 0;
        for (; count < Window && from < length; count++)
        {
            var (index, within, size) = Split(file, offset, length - from);
            scratch.Windows[count] = SliceWindow.Of(source, from, size);
            scratch.Starts[count] = from - first;
            scratch.Writes[count] = storage.WriteAsync(
                file.ChainOf(index), new ChunkId(file.Inode, index), within, scratch.Windows[count].Slices,
                file.Placement.Layout.ChunkSize, ct);
            offset += size;
            from += size;
        }

        return count;
    }

    private static (ulong Index, uint Within, long Size) Split(FileContent file, long offset, long left)
    {
        var within = file.Placement.OffsetInChunk(offset);
        return (file.Placement.ChunkIndexOf(offset), within, Math.Min(left, file.Placement.Layout.ChunkSize - within));
    }

    private sealed class Scratch
    {
        public ReadPiece[] Reads { get; } = new ReadPiece[Window];
        public ValueTask<UpdateResult>[] Writes { get; } = new ValueTask<UpdateResult>[Window];
        public SliceWindow[] Windows { get; } = new SliceWindow[Window];
        public long[] Starts { get; } = new long[Window];

        /// <summary>Bytes written before the first failure of the window.</summary>
        public long Good { get; set; }

        public void Clear(int count)
        {
            for (var i = 0; i < count; i++) Windows[i].Dispose();
            Array.Clear(Windows, 0, count);
            Array.Clear(Reads, 0, count);
            Array.Clear(Writes, 0, count);
            Good = 0;
        }
    }
}
