using ThreeFs.Base;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.ChunkEngine.Channels;
using ThreeFs.Storage.Craq;
using ThreeFs.Storage.Targets;
using ThreeFs.Storage.Threading;

namespace ThreeFs.Storage.Updates;

/// <summary>
/// Removes the chunks of a file in a range of indexes, highest first, each as an update of its own through the whole chain, several
/// at a time. A chunk that is gone already counts as removed by somebody else. Where the range begins behind a truncated file's last chunk,
/// that one gets its length first.
/// </summary>
/// <remarks>
/// The end first: no measurement of the file meanwhile finds less than both the old length and the new one (some find a length in between),
/// and a truncation for whose end there is no room takes nothing away.
/// <para>
/// A copy of a request that was answered takes nothing away: its channel has gone on (exactly once, as for single updates).
/// A truncation that another one overtook takes nothing away: each update looks at <see cref="CutFences"/> as it takes its place in the
/// chunk's line. Those in line already come before whatever the later truncation and its caller do to the same chunk.
/// </para>
/// </remarks>
public static class RangeRemoval
{
    private const int PageSize = 1024;

    public static async ValueTask<RemoveChunksResult> RunAsync(Replica replica, RemoveChunksRequest request, Deadline deadline)
    {
        if (request.MaxCount == 0 || request.FirstIndex > request.LastIndex) return new RemoveChunksResult(StatusCode.InvalidArgument, 0, false);
        var gate = replica.Updates.Gate(request.Chain, UpdateSource.Client);
        if (gate != StatusCode.Ok) return new RemoveChunksResult(replica.Refuse(gate, request.Chain).Code, 0, false);
        if (replica.Store.Channels.Look(request.Tag, default, out _) != ChannelVerdict.New)
            return new RemoveChunksResult(StatusCode.ChannelSequenceStale, 0, false);
        if (!replica.Cuts.Enter(request.Inode, request.Under)) return new RemoveChunksResult(StatusCode.CutOvertaken, 0, false);
        var end = request.LastLength == 0 ? StatusCode.Ok : (await EndAsync(replica, request, deadline)).Code;
        if (end != StatusCode.Ok) return new RemoveChunksResult(end, 0, true);
        var (chunks, more) = Highest(replica.Store, request);
        var removed = 0u;
        var concurrency = replica.Services.Limits.RemoveConcurrency;
        for (var start = 0; start < chunks.Count; start += concurrency)
        {
            var batch = new List<Task<UpdateResult>>(concurrency);
            for (var i = start; i < Math.Min(start + concurrency, chunks.Count); i++)
                batch.Add(RemoveAsync(replica, chunks[i], request, (ulong)i, deadline).AsTask());
            var code = StatusCode.Ok;
            foreach (var task in batch)
            {
                var result = await task;
                if (result.Code == StatusCode.Ok) removed++;
                else code = result.Code;
            }

            if (code != StatusCode.Ok) return new RemoveChunksResult(code, removed, true);
        }

        // Also when there was nothing to remove: a copy of the request that arrives late is known by its sequences.
        var last = request.Tag.Sequence + request.MaxCount - (request.LastLength == 0 ? 1u : 0u);
        replica.Store.Channels.Record(new ChannelUpdate(request.Tag with { Sequence = last }, default, default, 0, 0));
        return new RemoveChunksResult(StatusCode.Ok, removed, more);
    }

    private static ValueTask<UpdateResult> EndAsync(Replica replica, in RemoveChunksRequest request, Deadline deadline)
    {
        if (request.FirstIndex == 0) return new(replica.Refuse(StatusCode.InvalidArgument, request.Chain));
        var chunk = new ChunkId(request.Inode, request.FirstIndex - 1);
        return UpdateAsync(replica, chunk, UpdateKind.Truncate, request.LastLength, request.ChunkSize, request, request.MaxCount, deadline);
    }

    private static ValueTask<UpdateResult> RemoveAsync(
        Replica replica, ChunkId chunk, in RemoveChunksRequest request, ulong number, Deadline deadline) =>
        UpdateAsync(replica, chunk, UpdateKind.Remove, length: 0, chunkSize: 1, request, number, deadline);

    /// <summary>Nothing may come between the look at the fence and the place in line.</summary>
    private static ValueTask<UpdateResult> UpdateAsync(
        Replica replica, ChunkId chunk, UpdateKind kind, uint length, uint chunkSize, in RemoveChunksRequest request, ulong number,
        Deadline deadline)
    {
        if (!replica.Cuts.IsCurrent(request.Inode, request.Under)) return new(replica.Refuse(StatusCode.CutOvertaken, request.Chain));
        var tag = request.Tag with { Sequence = request.Tag.Sequence + number };
        var update = new UpdateRequest(request.Chain, chunk, kind, 0, length, chunkSize, 0, tag, default, default);
        return replica.Updates.RunAsync(update, default, UpdateSource.Client, isOfRange: true, deadline);
    }

    /// <summary>The last chunks of the range, in falling order, and whether there are others before them.</summary>
    private static (List<ChunkId> Chunks, bool More) Highest(ChunkStore store, in RemoveChunksRequest request)
    {
        var kept = new Queue<ChunkId>();
        var more = false;
        var page = new ChunkState[PageSize];
        var last = new ChunkId(request.Inode, request.LastIndex);
        for (var first = new ChunkId(request.Inode, request.FirstIndex); ;)
        {
            var count = store.List(first, last, page);
            for (var i = 0; i < count; i++)
            {
                kept.Enqueue(page[i].Chunk);
                if (kept.Count <= request.MaxCount) continue;
                kept.Dequeue();
                more = true;
            }

            if (count < page.Length || page[count - 1].Chunk.Index == request.LastIndex) break;
            first = page[count - 1].Chunk with { Index = page[count - 1].Chunk.Index + 1 };
        }

        var chunks = new List<ChunkId>(kept);
        chunks.Reverse();
        return (chunks, more);
    }
}
