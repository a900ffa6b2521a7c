using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Session;
using ThreeFs.Fuse.Tables;

namespace ThreeFs.Fuse.Cluster;

/// <summary>
/// Attributes: stat(2), chmod(2) and its kin, truncate(2), statfs(2), chattr(1), extended attributes.
/// </summary>
internal sealed class AttributeOps(ClusterContext context, LengthReporter reporter)
{
    private const uint GetFlags = 0x80086601;
    private const uint SetFlags = 0x40086602;
    private const uint KnownFlags = (uint)(InodeFlags.Immutable | InodeFlags.AppendOnly);

    public async ValueTask<Errno> GetAttrAsync(FuseRequest request)
    {
        var asked = context.Now;
        var found = await context.Meta.GetAttrAsync(context.User(request), InodeTable.IdOf(request.Node),
            request.Cancellation);
        if (found.TryGet(out var attr)) return context.ReplyAttr(request, attr, asked);

        // Somebody's working directory, or open: stat(2) of it still answers.
        return context.Inodes.Find(InodeTable.IdOf(request.Node)) is { IsRemovedDirectory: true } removed
            ? request.Reply(Wire.AttrOut(removed.Attr, context.Options))
            : context.FailInode(request, found.Status);
    }

    public async ValueTask<Errno> SetAttrAsync(FuseRequest request, FuseSetAttrIn a)
    {
        if (a.Valid.HasFlag(FuseSetAttrValid.Size) && a.Size > long.MaxValue) return Errno.EFBIG;
        var id = InodeTable.IdOf(request.Node);
        var user = context.User(request);
        var change = Wire.Change(a);
        var cuts = (change.Mask & SetAttrMask.Length) != 0;
        var state = context.Inodes.Find(id);
        if (state is not null && !cuts)
        {
            // Written before: a report that comes later must not undo what is set now.
            var reported = await reporter.ReportAsync(state, user, request.Cancellation);
            if (!reported.IsOk) return context.FailInode(request, reported);
        }

        var mark = state?.WriteMark;
        var asked = context.Now;
        var result = await context.Meta.SetAttrAsync(user, id, change, request.Cancellation);
        if (!result.TryGet(out var attr)) return context.FailInode(request, result.Status);
        if (cuts) state?.Truncated(attr, asked, mark);
        return context.ReplyAttr(request, attr, asked);
    }

    public async ValueTask<Errno> ReadLinkAsync(FuseRequest request)
    {
        // A symlink's target never changes, so what is known is enough.
        var id = InodeTable.IdOf(request.Node);
        if (context.Inodes.Find(id)?.Attr is { Type: InodeType.Symlink } known)
            return request.Reply(known.SymlinkTarget.Span);
        var found = await context.Meta.GetAttrAsync(context.User(request), id, request.Cancellation);
        if (!found.TryGet(out var attr)) return context.FailInode(request, found.Status);
        return attr.Type == InodeType.Symlink ? request.Reply(attr.SymlinkTarget.Span) : Errno.EINVAL;
    }

    public async ValueTask<Errno> StatFsAsync(FuseRequest request)
    {
        const uint blockSize = 4096;
        const ulong inodeLimit = 1UL << 40;
        var result = await context.Meta.StatFsAsync(context.User(request), request.Cancellation);
        if (!result.TryGet(out var space)) return context.Fail(request, result.Status);
        var free = (ulong)Math.Max(0, space.FreeBytes) / blockSize;
        return request.Reply(new FuseStatFsOut
        {
            Blocks = (ulong)space.CapacityBytes / blockSize,
            BlocksFree = free,
            BlocksAvailable = free,
            Files = inodeLimit,
            FilesFree = inodeLimit - Math.Min(inodeLimit, (ulong)Math.Max(0, space.Inodes)),
            BlockSize = blockSize,
            FragmentSize = blockSize,
            NameLength = FileName.MaxLength,
        });
    }

    public async ValueTask<Errno> IoctlAsync(FuseRequest request, FuseIoctlIn a, ReadOnlyMemory<byte> input)
    {
        var id = InodeTable.IdOf(request.Node);
        var user = context.User(request);
        var asked = context.Now;
        if (a.Command == GetFlags && a.OutSize >= sizeof(uint))
        {
            var found = await context.Meta.GetAttrAsync(user, id, request.Cancellation);
            if (!found.TryGet(out var attr)) return context.Fail(request, found.Status);
            return a.OutSize >= sizeof(ulong)
                ? request.Reply(new FuseIoctlOut(), (ulong)attr.Flags & KnownFlags)
                : request.Reply(new FuseIoctlOut(), (uint)attr.Flags & KnownFlags);
        }

        if (a.Command == FileAttributes.Command)
        {
            var found = await context.Meta.GetAttrAsync(user, id, request.Cancellation);
            return found.TryGet(out var attr)
                ? request.Reply(new FuseIoctlOut(), new FileAttributes(attr.Flags))
                : context.Fail(request, found.Status);
        }

        if (a.Command != SetFlags || input.Length < sizeof(uint)) return Errno.ENOTTY;
        var flags = BitConverter.ToUInt32(input.Span);
        if ((flags & ~KnownFlags) != 0) return Errno.EOPNOTSUPP;
        var change = new AttrChange(SetAttrMask.Flags) { Flags = (InodeFlags)flags };
        var result = await context.Meta.SetAttrAsync(user, id, change, request.Cancellation);
        if (!result.TryGet(out var changed)) return context.Fail(request, result.Status);
        context.Inodes.Find(id)?.Merge(changed, asked);
        return request.Reply(new FuseIoctlOut());
    }

    public async ValueTask<Errno> SetXattrAsync(FuseRequest request, FileName name, ReadOnlyMemory<byte> value,
        uint flags)
    {
        if (flags > 2) return Errno.EINVAL;
        return context.FailInode(request, await context.Meta.SetXattrAsync(
            context.User(request), InodeTable.IdOf(request.Node), name, value, (int)flags, request.Cancellation));
    }

    public async ValueTask<Errno> GetXattrAsync(FuseRequest request, FileName name, uint size)
    {
        var result = await context.Meta.GetXattrAsync(
            context.User(request), InodeTable.IdOf(request.Node), name, request.Cancellation);
        return result.TryGet(out var value)
            ? XattrReply.Send(request, value.Span, size)
            : context.FailInode(request, result.Status);
    }

    public async ValueTask<Errno> ListXattrAsync(FuseRequest request, uint size)
    {
        var result = await context.Meta.ListXattrAsync(context.User(request), InodeTable.IdOf(request.Node),
            request.Cancellation);
        return result.TryGet(out var names)
            ? XattrReply.SendNames(request, names, size)
            : context.FailInode(request, result.Status);
    }

    public async ValueTask<Errno> RemoveXattrAsync(FuseRequest request, FileName name) =>
        context.FailInode(request, await context.Meta.RemoveXattrAsync(
            context.User(request), InodeTable.IdOf(request.Node), name, request.Cancellation));
}
