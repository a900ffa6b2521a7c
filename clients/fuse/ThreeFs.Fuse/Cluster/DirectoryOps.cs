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

    public async ValueTask<Errno> OpenAsync(FuseRequest request)
    {
        var directory = new OpenDirectory(InodeTable.IdOf(request.Node));
        var found = context.StaleOpens.IsRetry(request.Header.Pid, request.Node)
            ? await context.RefreshAsync(request, directory.Id)
            : await context.RefreshByNameAsync(request, directory.Id);
        if (!found.IsOk && context.Inodes.Find(directory.Id) is not { IsRemovedDirectory: true })
        {
            if (found.Code == StatusCode.StaleHandle) context.StaleOpens.Refused(request.Header.Pid, request.Node);
            return context.FailInode(request, found.Status);
        }

        return request.Reply(new FuseOpenOut { Handle = context.Directories.Add(directory) });
    }

    public ValueTask<Errno> ReleaseAsync(FuseReleaseIn a) =>
        new(context.Directories.Remove(a.Handle) is null ? Errno.EBADF : Errno.Ok);

    public async ValueTask<Errno> ReadAsync(FuseRequest request, FuseReadIn a, bool plus)
    {
        if (context.Directories.Find(a.Handle) is not { } directory) return Errno.EBADF;
        var position = new DirectoryPosition(a.Offset);
        if (!position.IsValid) return Errno.EINVAL;
        await directory.Lock.WaitAsync(request.Cancellation);
        try
        {
            if (a.Offset == 0)
            {
                var begun = await BeginAsync(request, directory);
                if (!begun.IsOk) return context.Fail(request, begun);
            }

            var found = await FindAsync(request, directory, position, plus);
            if (!found.TryGet(out var at)) return context.Fail(request, found.Status);
            var size = (int)Math.Min(a.Size, (uint)request.Payload.Length);
            return Pack(request, directory, a.Offset, at.Part, at.Next, size, plus);
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
        directory.Begin();
        var attr = await context.AttrOfAsync(request, directory.Id);
        if (attr.TryGet(out var found)) directory.Parent = found.Parent;
        return attr.Status;
    }

    /// <summary>The entries that follow a position: a part and an index in it, which is its end at the end of all.</summary>
    private async ValueTask<Result<(DirectoryPart Part, int Next)>> FindAsync(
        FuseRequest request, OpenDirectory directory, DirectoryPosition position, bool plus)
    {
        if (position.Offset < DirectoryPosition.Start) position = new DirectoryPosition(DirectoryPosition.Start);
        var found = directory.Find(position);
        if (found is null)
        {
            var read = await ReadAgainAsync(request, directory, position, plus);
            if (!read.TryGet(out var again)) return read.Status;
            found = again;
        }

        var (part, next) = found.Value;
        while (next == part.Entries.Length && !(part.EndsPage && part.Page + 1 == directory.Pages))
        {
            var (page, first) = part.EndsPage ? (part.Page + 1, 0) : (part.Page, part.First + part.Entries.Length);
            var following = directory.FindBegin(page, first);
            if (following is null)
            {
                FileName? after = part.EndsPage ? directory.StartOf(page) : part.Entries[^1].Entry.Name;
                var loaded = await LoadAsync(request, directory, page, first, after, plus);
                if (!loaded.TryGet(out following)) return loaded.Status;
            }

            (part, next) = (following, 0);
        }

        return (part, next);
    }

    /// <summary>Reads the page of a position that is no longer in memory, as it is now.</summary>
    private async ValueTask<Result<(DirectoryPart Part, int Next)>> ReadAgainAsync(
        FuseRequest request, OpenDirectory directory, DirectoryPosition position, bool plus)
    {
        var page = position.IsStart ? 0 : position.Page;
        if (page >= directory.Pages)
            return new Status(StatusCode.InvalidArgument, "a listing was set to a position that it has not reached");
        (DirectoryPart Part, int Next)? nearest = null;
        var after = directory.StartOf(page);
        for (var first = 0; ;)
        {
            var loaded = await LoadAsync(request, directory, page, first, after, plus);
            if (!loaded.TryGet(out var part)) return loaded.Status;
            if (part.NextAfter(position) is { } next) return (part, next);
            nearest ??= (part, Math.Min(position.Ordinal + 1, part.Entries.Length));
            if (part.EndsPage) return nearest.Value;
            first += part.Entries.Length;
            after = part.Entries[^1].Entry.Name;
        }
    }

    /// <summary>Entries of a page behind a name: all of it, but for names that were added since it was read first.</summary>
    private async ValueTask<Result<DirectoryPart>> LoadAsync(
        FuseRequest request, OpenDirectory directory, int page, int first, FileName? after, bool plus)
    {
        var asked = context.Now;
        var changes = context.Inodes.Find(directory.Id)?.NameChanges ?? 0;
        var result = await context.Meta.ReadDirectoryAsync(
            context.User(request), directory.Id, after, page == 0 ? FirstPage : LaterPage, withAttr: plus,
            request.Cancellation);
        if (!result.TryGet(out var read)) return result.Status;
        var end = directory.EndOf(page);
        var entries = read.Entries.Where(e => end is not { } last || e.Name.CompareTo(last) <= 0)
            .Select(e => new ListedEntry(e, asked, changes)).ToArray();
        var isEnd = read.End || read.Entries.IsEmpty;
        var endsPage = end is null || isEnd || entries.Length < read.Entries.Length
            || entries[^1].Entry.Name.Equals(end.Value);
        var part = new DirectoryPart(page, first, entries, endsPage);
        directory.Keep(part, isEnd);
        return part;
    }

    private Errno Pack(
        FuseRequest request, OpenDirectory directory, ulong offset, DirectoryPart part, int next, int size, bool plus)
    {
        var writer = new DirentWriter(request.Payload.Span[..size]);
        var fits = offset != 0 || AddDot(ref writer, directory.Id, DirectoryPosition.DotDot, "."u8, plus);
        if (fits && offset <= DirectoryPosition.DotDot)
            fits = AddDot(ref writer, directory.Parent, DirectoryPosition.Start, ".."u8, plus);
        var changes = context.Inodes.Find(directory.Id)?.NameChanges ?? 0;
        for (; fits && next < part.Entries.Length; next++)
            fits = Add(ref writer, directory.Id, part.Entries[next], part.PositionBehind(next).Offset, changes, plus);
        return request.ReplyPayload(writer.Written);
    }

    private static bool AddDot(ref DirentWriter writer, InodeId id, ulong next, ReadOnlySpan<byte> name, bool plus)
    {
        var node = InodeTable.NodeOf(id);
        return plus
            ? writer.TryAddPlus(default, node, next, (uint)InodeType.Directory, name)
            : writer.TryAdd(node, next, (uint)InodeType.Directory, name);
    }

    private bool Add(
        ref DirentWriter writer, InodeId directory, in ListedEntry listed, ulong next, int changes, bool plus)
    {
        var entry = listed.Entry;
        var node = InodeTable.NodeOf(entry.Inode);
        if (!plus) return writer.TryAdd(node, next, (uint)entry.Type, entry.Name.Span);
        var isGood = entry.Attr is not null && listed.NameChanges == changes
            && context.Time.GetElapsedTime(listed.Asked) < context.Options.AttrTimeout;
        var full = isGood ? context.Entry(directory, entry.Name, entry.Attr!, listed.Asked) : default;
        if (writer.TryAddPlus(full, node, next, (uint)entry.Type, entry.Name.Span)) return true;
        if (isGood) context.Inodes.Forget(entry.Inode, 1);
        return false;
    }
}
