using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Client.Storage;

/// <summary>
/// A file's chunks as a whole, over all chains of its layout, a bounded number of them at a time. Every operation may
/// be repeated after a failure or a crash in the middle.
/// </summary>
/// <remarks>
/// After <see cref="TruncateAsync"/> the file's last chunk exists and ends exactly there, also when the file was
/// shorter, so <see cref="QueryLengthAsync"/> answers the same length until the next write.
/// </remarks>
public sealed class FileChunks(StorageClient storage, IRoutingSource routing, TimeProvider time) : IFileChunks
{
    /// <summary>Chains asked at the same time.</summary>
    private const int Width = 32;

    private readonly PlacementResolver _placements = new(routing, time);

    public async ValueTask<Result<long>> QueryLengthAsync(InodeId inode, Layout layout, CancellationToken ct)
    {
        var resolved = await _placements.ResolveAsync(layout, ct);
        if (!resolved.TryGet(out var placement)) return resolved.Status;
        var end = 0L;
        var gate = new Lock();
        var status = await ForEachChainAsync(placement, async chain =>
        {
            var answer = await storage.QueryLastAsync(chain, inode, ct: ct);
            if (!answer.TryGet(out var last)) return answer.Status;
            if (!last.Exists) return Status.Ok;
            lock (gate) end = Math.Max(end, EndOf(last, layout));
            return Status.Ok;
        });
        return status.IsOk ? end : status;
    }

    public async ValueTask<Status> TruncateAsync(
        InodeId inode, Layout layout, long length, CutOrder order, CancellationToken ct)
    {
        if (length < 0)
            return new Status(StatusCode.InvalidArgument, $"inode {inode}: a length of {length} is negative");
        var resolved = await _placements.ResolveAsync(layout, ct);
        if (!resolved.TryGet(out var placement)) return resolved.Status;
        var first = length == 0 ? 0 : placement.ChunkIndexOf(length - 1) + 1;
        var within = length == 0 ? 0 : placement.OffsetInChunk(length - 1) + 1;

        // The chain with the end goes first: no measurement of the file finds less than both the old length and the new one.
        ChainId? last = first > 0 ? placement.ChainOf(first - 1) : null;
        var status = last is { } ends
            ? await storage.CutAsync(ends, inode, first, within, layout.ChunkSize, order, ct)
            : Status.Ok;
        if (status.IsOk)
        {
            status = await ForEachChainAsync(placement, chain => chain == last
                ? new(Status.Ok)
                : storage.CutAsync(chain, inode, first, lastLength: 0, layout.ChunkSize, order, ct));
        }

        return status.IsOk
            ? Status.Ok
            : status with { Message = $"inode {inode} cannot be cut to {length} bytes: {status.Message}" };
    }

    public async ValueTask<Status> RemoveAsync(InodeId inode, Layout layout, CancellationToken ct)
    {
        var resolved = await _placements.ResolveAsync(layout, ct);
        return resolved.TryGet(out var placement)
            ? await ForEachChainAsync(placement, async chain => (await storage.RemoveChunksAsync(chain, inode, ct: ct)).Status)
            : resolved.Status;
    }

    public async ValueTask<Result<FileSystemSpace>> SpaceAsync(CancellationToken ct)
    {
        var asked = await ClusterSpace.AskAsync(storage.Admin, routing.Current, ct);
        if (!asked.TryGet(out var space)) return asked.Status;
        var usable = space.Usable;
        return new FileSystemSpace(usable.CapacityBytes, usable.FreeBytes, usable.UsedBytes, 0);
    }

    private static long EndOf(in LastChunk last, Layout layout) =>
        checked((long)(last.Index * layout.ChunkSize) + last.Length);

    /// <summary>Runs for each chain once; answers the first failure after all have ended.</summary>
    private static async ValueTask<Status> ForEachChainAsync(Placement placement, Func<ChainId, ValueTask<Status>> step)
    {
        var chains = placement.Chains.ToArray();
        var result = Status.Ok;
        var running = new List<ValueTask<Status>>(Math.Min(Width, chains.Length));
        foreach (var part in Distinct(chains).Chunk(Width))
        {
            foreach (var chain in part) running.Add(step(chain));
            foreach (var task in running)
            {
                var status = await task;
                if (result.IsOk) result = status;
            }

            if (!result.IsOk) return result;
            running.Clear();
        }

        return result;
    }

    /// <summary>A small table may name a chain twice.</summary>
    private static HashSet<ChainId> Distinct(ChainId[] chains) => [.. chains];
}
