using ThreeFs.Base;
using ThreeFs.Client.Storage;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Cli.Fsck;

/// <summary>The chunks of one replica in order of their ids, fetched page by page.</summary>
internal sealed class ChunkStream(StorageAdmin storage, TargetId target)
{
    private const int PageSize = 4096;

    private ChunkListing _page = new([], End: false);
    private int _next;

    /// <summary>The next chunk, without taking it; null behind the last.</summary>
    public async ValueTask<Result<ChunkMeta?>> PeekAsync(CancellationToken ct)
    {
        while (_next == _page.Chunks.Length)
        {
            if (_page.End) return (ChunkMeta?)null;
            ChunkId? after = _page.Chunks.IsEmpty ? null : _page.Chunks[^1].Chunk;
            var result = await storage.ListChunksAsync(target, after, PageSize, ct);
            if (!result.TryGet(out var page))
                return new Status(result.Code, $"cannot list the chunks of target {target}: {result.Status.Message}");
            Invariant.Check(page.End || !page.Chunks.IsEmpty, "a page that is not the last has chunks");
            _page = page;
            _next = 0;
        }

        return (ChunkMeta?)_page.Chunks[_next];
    }

    /// <summary>The next chunk if it is this one; null when this replica does not have it.</summary>
    public ChunkMeta? Take(ChunkId chunk) =>
        _next < _page.Chunks.Length && _page.Chunks[_next].Chunk == chunk ? _page.Chunks[_next++] : null;
}
