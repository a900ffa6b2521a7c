using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Session;
using ThreeFs.Fuse.Tables;

namespace ThreeFs.Fuse.Cluster;

/// <summary>
/// Listings. Pages of entries come with attributes, so that `ls -l` asks once a page and not once a file; attributes
/// that are no longer fresh, or whose directory was changed here since, are left out and the kernel asks for them when
/// it needs them.
/// </summary>
internal sealed class DirectoryOps(ClusterContext context)
{
    private const int FirstPage = 128;
    private const int LaterPage = 1024;

    /// <summary>"." and "..", which are at the positions 0 and 1.</summary>
    private const int DotEntries = 2;

    public async ValueTask<Errno> OpenAsync(FuseRequest request)
    {
        var directory = new OpenDirectory(InodeTable.IdOf(request.Node));
        var found = await context.RefreshAsync(request, directory.Id);
        if (!found.IsOk && context.Inodes.Find(directory.Id) is not { IsRemovedDirectory: true })
            return context.FailInode(request, found.Status);
        return request.Reply(new FuseOpenOut { Handle = context.Directories.Add(directory) });
    }

    public ValueTask<Errno> ReleaseAsync(FuseReleaseIn a) =>
        new(context.Directories.Remove(a.Handle) is null ? Errno.EBADF : Errno.Ok);

    public async ValueTask<Errno> ReadAsync(FuseRequest request, FuseReadIn a, bool plus)
    {
        if (context.Directories.Find(a.Handle) is not { } directory) return Errno.EBADF;
        if (a.Offset > int.MaxValue) return Errno.EINVAL;
        await directory.Lock.WaitAsync(request.Cancellation);
        try
        {
            var position = (int)a.Offset;
            if (position == 0)
            {
                var begun = await BeginAsync(request, directory);
                if (!begun.IsOk) return context.Fail(request, begun);
            }

            while (position - DotEntries >= directory.Entries.Count && !directory.IsComplete)
            {
                var status = await LoadAsync(request, directory, plus);
                if (!status.IsOk) return context.Fail(request, status);
            }

            return Pack(request, directory, position, (int)Math.Min(a.Size, (uint)request.Payload.Length), plus);
        }
        finally
        {
            directory.Lock.Release();
        }
    }

    /// <summary>fsync(2) of a directory: its names are on stable storage.</summary>
    public async ValueTask<Errno> FsyncAsync(FuseRequest request) =>
        context.Fail(request, await context.Meta.FlushAsync(context.User(request), request.Cancellation));

    private async ValueTask<Status> BeginAsync(FuseRequest request, OpenDirectory directory)
    {
        directory.Entries.Clear();
        directory.IsComplete = false;
        var attr = await context.AttrOfAsync(request, directory.Id);
        if (attr.TryGet(out var found)) directory.Parent = found.Parent;
        return attr.Status;
    }

    private async ValueTask<Status> LoadAsync(FuseRequest request, OpenDirectory directory, bool plus)
    {
        var asked = context.Now;
        var changes = context.Inodes.Find(directory.Id)?.NameChanges ?? 0;
        FileName? after = directory.Entries.Count == 0 ? null : directory.Entries[^1].Entry.Name;
        var limit = directory.Entries.Count == 0 ? FirstPage : LaterPage;
        var result = await context.Meta.ReadDirectoryAsync(
            context.User(request), directory.Id, after, limit, withAttr: plus, request.Cancellation);
        if (!result.TryGet(out var page)) return result.Status;
        foreach (var entry in page.Entries) directory.Entries.Add(new ListedEntry(entry, asked, changes));
        directory.IsComplete = page.End;
        return Status.Ok;
    }

    private Errno Pack(FuseRequest request, OpenDirectory directory, int position, int size, bool plus)
    {
        var writer = new DirentWriter(request.Payload.Span[..size]);
        var changes = context.Inodes.Find(directory.Id)?.NameChanges ?? 0;
        for (; position < directory.Entries.Count + DotEntries; position++)
        {
            var fits = position switch
            {
                0 => AddDot(ref writer, directory.Id, 1, "."u8, plus),
                1 => AddDot(ref writer, directory.Parent, 2, ".."u8, plus),
                _ => Add(ref writer, directory.Entries[position - DotEntries], position + 1, changes, plus),
            };
            if (!fits) break;
        }

        return request.ReplyPayload(writer.Written);
    }

    private static bool AddDot(ref DirentWriter writer, InodeId id, ulong next, ReadOnlySpan<byte> name, bool plus)
    {
        var node = InodeTable.NodeOf(id);
        return plus
            ? writer.TryAddPlus(default, node, next, (uint)InodeType.Directory, name)
            : writer.TryAdd(node, next, (uint)InodeType.Directory, name);
    }

    private bool Add(ref DirentWriter writer, in ListedEntry listed, int next, int changes, bool plus)
    {
        var entry = listed.Entry;
        var node = InodeTable.NodeOf(entry.Inode);
        if (!plus) return writer.TryAdd(node, (ulong)next, (uint)entry.Type, entry.Name.Span);
        var isGood = entry.Attr is not null && listed.NameChanges == changes
            && context.Time.GetElapsedTime(listed.Asked) < context.Options.AttrTimeout;
        var full = isGood ? context.Entry(entry.Attr!, listed.Asked) : default;
        if (writer.TryAddPlus(full, node, (ulong)next, (uint)entry.Type, entry.Name.Span)) return true;
        if (isGood) context.Inodes.Forget(entry.Inode, 1);
        return false;
    }
}
