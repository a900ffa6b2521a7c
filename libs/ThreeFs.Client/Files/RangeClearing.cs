using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Client.Storage;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Client.Files;

/// <summary>
/// Makes a range of a file read as zeros without storing more than before: chunks that lie inside cease to exist, of
/// those at its ends the bytes that exist are overwritten. May be repeated after a failure.
/// </summary>
/// <remarks>
/// Afterwards the file's last chunk may be missing, and storage no longer knows the file's end: the caller has the
/// length reported before.
/// </remarks>
internal sealed class RangeClearing(FileContent file, StorageClient storage, IoMemory zeros)
{
    /// <summary>Runs alone in the file's write gate.</summary>
    public async ValueTask<Status> RunAsync(long offset, long end, CancellationToken ct)
    {
        var size = file.Placement.Layout.ChunkSize;
        var first = file.Placement.ChunkIndexOf(offset + size - 1);
        var behind = file.Placement.ChunkIndexOf(end);
        var status = Status.Ok;
        if (first < behind) status = await RemoveAsync(first, behind - 1, ct);
        var firstStart = (long)first * size;
        if (status.IsOk && offset < firstStart) status = await OverwriteAsync(offset, Math.Min(end, firstStart), ct);
        var lastStart = Math.Max((long)behind * size, firstStart);
        return status.IsOk && lastStart < end ? await OverwriteAsync(lastStart, end, ct) : status;
    }

    private async ValueTask<Status> RemoveAsync(ulong first, ulong last, CancellationToken ct)
    {
        foreach (var chain in new HashSet<ChainId>(file.Placement.Chains.ToArray()))
        {
            var removed = await storage.RemoveChunksAsync(chain, file.Inode, first, last, ct);
            file.Dirty.Mark(chain);
            if (!removed.IsOk) return removed.Status;
        }

        return Status.Ok;
    }

    /// <summary>Within one chunk.</summary>
    private async ValueTask<Status> OverwriteAsync(long offset, long end, CancellationToken ct)
    {
        var index = file.Placement.ChunkIndexOf(offset);
        var chain = file.ChainOf(index);
        var found = await storage.QueryLastAsync(chain, file.Inode, index, index, ct);
        if (!found.TryGet(out var chunk)) return found.Status;
        var at = file.Placement.OffsetInChunk(offset);
        var exists = chunk.Exists ? chunk.Length : 0;
        var until = Math.Min(at + (end - offset), exists);
        while (at < until)
        {
            var piece = zeros.Slice(0, (int)Math.Min(until - at, zeros.Length));
            var written = await storage.WriteAsync(
                chain, new ChunkId(file.Inode, index), at, piece, file.Placement.Layout.ChunkSize, ct);
            file.Dirty.Mark(chain);
            if (written.Code != StatusCode.Ok) return file.Failure("clearing", index, written.Code);
            at += (uint)piece.Length;
        }

        return Status.Ok;
    }
}
