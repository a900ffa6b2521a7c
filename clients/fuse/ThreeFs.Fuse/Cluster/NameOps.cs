using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Native;
using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Session;
using ThreeFs.Fuse.Tables;

namespace ThreeFs.Fuse.Cluster;

/// <summary>Finding, making, removing and moving names.</summary>
internal sealed class NameOps(ClusterContext context, ReaderSessions readers)
{
    public async ValueTask<Errno> LookupAsync(FuseRequest request, FileName name)
    {
        var asked = context.Now;
        var parent = InodeTable.IdOf(request.Node);
        var found = await context.Meta.LookupAsync(context.User(request), parent, name, request.Cancellation);
        if (found.TryGet(out var attr))
        {
            context.StaleOpens.LookedUp(request.Header.Pid, InodeTable.NodeOf(attr.Id));
            return context.ReplyEntry(request, name, attr, asked);
        }

        if (found.Code == StatusCode.NotFound && context.Options.NegativeTimeout > TimeSpan.Zero)
            return request.Reply(Wire.NoEntry(context.Options));
        return context.Fail(request, found.Status);
    }

    public ValueTask<Errno> MakeNodeAsync(FuseRequest request, FuseMkNodIn a, FileName name)
    {
        var type = (InodeType)((a.Mode & LibC.S_IFMT) >> 12);
        if (type is not (InodeType.File or InodeType.Fifo or InodeType.Socket
            or InodeType.CharDevice or InodeType.BlockDevice))
            return new(Errno.EINVAL);
        return MakeAsync(request, name, new NewInode(type, a.Mode & Wire.Permissions) { Device = a.Device });
    }

    public ValueTask<Errno> MakeDirectoryAsync(FuseRequest request, FuseMkDirIn a, FileName name) =>
        MakeAsync(request, name, new NewInode(InodeType.Directory, a.Mode & Wire.Permissions));

    public ValueTask<Errno> SymlinkAsync(FuseRequest request, FileName name, ReadOnlyMemory<byte> target) =>
        MakeAsync(request, name, new NewInode(InodeType.Symlink, 0x1FF) { SymlinkTarget = target });

    public async ValueTask<Errno> LinkAsync(FuseRequest request, ulong source, FileName newName)
    {
        var parent = InodeTable.IdOf(request.Node);
        using var change = Changing(parent);
        var asked = context.Now;
        var result = await context.Meta.LinkAsync(
            context.User(request), InodeTable.IdOf(source), parent, newName, request.Cancellation);
        return result.TryGet(out var attr)
            ? context.ReplyEntry(request, newName, attr, asked)
            : context.Fail(request, result.Status);
    }

    public ValueTask<Errno> UnlinkAsync(FuseRequest request, FileName name) =>
        UnlinkAsync(request, InodeTable.IdOf(request.Node), name);

    public async ValueTask<Errno> UnlinkAsync(FuseRequest request, InodeId parent, FileName name)
    {
        var user = context.User(request);
        using var change = Changing(parent);
        var keep = await readers.ForUnlinkAsync(user, parent, name, request.Cancellation);
        var asked = context.Now;
        var result = await context.Meta.UnlinkAsync(
            context.Again(user), parent, name, keep?.Session, request.Cancellation);
        if (!result.TryGet(out var attr))
        {
            if (keep is { } made) await readers.NotUnlinked(result.Status, made.Inode, made.Session);
            return context.Fail(request, result.Status);
        }

        context.Inodes.Find(attr.Id)?.Merge(attr, asked);
        await readers.Unlinked(attr, keep?.Session);
        return Errno.Ok;
    }

    public ValueTask<Errno> RemoveDirectoryAsync(FuseRequest request, FileName name) =>
        RemoveDirectoryAsync(request, InodeTable.IdOf(request.Node), name);

    public async ValueTask<Errno> RemoveDirectoryAsync(FuseRequest request, InodeId parent, FileName name)
    {
        using var change = Changing(parent);
        var asked = context.Now;
        var result = await context.Meta.RemoveDirectoryAsync(
            context.User(request), parent, name, request.Cancellation);
        if (!result.TryGet(out var attr)) return context.Fail(request, result.Status);
        context.Inodes.Find(attr.Id)?.Merge(attr, asked);
        return Errno.Ok;
    }

    public ValueTask<Errno> RenameAsync(
        FuseRequest request, FileName name, ulong newParent, FileName newName, RenameFlags flags) =>
        RenameAsync(request, InodeTable.IdOf(request.Node), name, InodeTable.IdOf(newParent), newName, flags);

    public async ValueTask<Errno> RenameAsync(
        FuseRequest request, InodeId from, FileName name, InodeId to, FileName newName, RenameFlags flags)
    {
        using var changeFrom = Changing(from);
        using var changeTo = Changing(to);
        var asked = context.Now;
        var result = await context.Meta.RenameAsync(context.User(request), from, name, to, newName, flags,
            request.Cancellation);
        if (!result.TryGet(out var renamed)) return context.Fail(request, result.Status);
        if (context.Inodes.Find(renamed.Moved.Id) is { } moved)
        {
            moved.Merge(renamed.Moved, asked);
            moved.Name = new EntryName(to, newName);
        }

        if (renamed.Replaced is { } replaced)
        {
            context.Inodes.Find(replaced.Id)?.Merge(replaced, asked);
            await readers.Unlinked(replaced, session: null);
        }

        return Errno.Ok;
    }

    private async ValueTask<Errno> MakeAsync(FuseRequest request, FileName name, NewInode inode)
    {
        var parent = InodeTable.IdOf(request.Node);
        using var change = Changing(parent);
        var asked = context.Now;
        var made = await context.Meta.MakeNodeAsync(context.User(request), parent, name, inode, request.Cancellation);
        return made.TryGet(out var attr)
            ? context.ReplyEntry(request, name, attr, asked)
            : context.Fail(request, made.Status);
    }

    public NameChange Changing(InodeId directory) => NameChange.In(context.Inodes.Find(directory));
}
