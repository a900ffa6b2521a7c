using System.Collections.Concurrent;
using ThreeFs.Base;
using ThreeFs.Client.Storage;
using ThreeFs.Contracts.Meta;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Client.Files;

/// <summary>
/// Makes the contents of files and knows, over all of them, which chains hold bytes that this client wrote and nobody
/// has flushed: for syncing everything, files already closed included. Bounded by the number of chains. Thread-safe.
/// </summary>
public sealed class FileContents
{
    private readonly StorageClient _storage;
    private readonly TimeProvider _time;
    private readonly ManyChunks _many;
    private readonly PlacementResolver _placements;
    private readonly IRoutingSource _routing;
    private readonly ConcurrentDictionary<ChainId, bool> _dirty = new();

    public FileContents(StorageClient storage, IRoutingSource routing, TimeProvider time)
    {
        _storage = storage;
        _routing = routing;
        _time = time;
        _many = new ManyChunks(storage);
        _placements = new PlacementResolver(routing, time);
    }

    /// <summary>
    /// The content of a regular file. Make one for each inode and share it between its handles. Waits a bounded time
    /// for a chain table that routing does not show yet.
    /// </summary>
    /// <param name="created">This client has just created the file: nobody wrote to it before.</param>
    public async ValueTask<Result<FileContent>> OpenAsync(InodeAttr attr, bool created, CancellationToken ct)
    {
        if (Check(attr) is { IsOk: false } wrong) return wrong;
        var placement = await _placements.ResolveAsync(attr.Layout!, ct);
        return placement.TryGet(out var chains) ? Make(attr, chains, created) : placement.Status;
    }

    /// <summary>The same without waiting: <see cref="StatusCode.ChainTableNotFound"/> when routing does not show the
    /// table yet.</summary>
    public Result<FileContent> Open(InodeAttr attr, bool created = false)
    {
        if (Check(attr) is { IsOk: false } wrong) return wrong;
        var placement = Placement.Resolve(attr.Layout!, _routing.Current);
        if (!placement.IsOk) _routing.RequestRefresh();
        return placement.TryGet(out var chains) ? Make(attr, chains, created) : placement.Status;
    }

    /// <summary>Every byte that this client wrote before is on stable storage of every serving replica.</summary>
    public async ValueTask<Status> FlushAllAsync(CancellationToken ct)
    {
        // A mark is taken before the flush: what is written meanwhile marks again.
        var taken = new List<ChainId>();
        foreach (var chain in _dirty.Keys)
        {
            if (_dirty.TryRemove(chain, out _)) taken.Add(chain);
        }

        if (taken.Count == 0) return Status.Ok;
        var status = await _storage.FlushAsync(taken.ToArray(), ct);
        if (status.IsOk) return status;
        foreach (var chain in taken) _dirty.TryAdd(chain, true);
        return status;
    }

    private FileContent Make(InodeAttr attr, Placement placement, bool created) =>
        new(attr, placement, _storage, _time, _many, _dirty, created);

    private static Status Check(InodeAttr attr) => attr is { Type: InodeType.File, Layout: not null }
        ? Status.Ok
        : new Status(StatusCode.InvalidArgument, $"inode {attr.Id} is not a regular file with a layout");
}
