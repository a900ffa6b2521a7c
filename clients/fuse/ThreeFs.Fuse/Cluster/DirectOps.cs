using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Session;
using ThreeFs.Fuse.Tables;

namespace ThreeFs.Fuse.Cluster;

/// <summary>
/// Changes of names that a program asks this mount for, and not the kernel: trees removed in one step, names moved and
/// made beside what the caller's directories are, holes. The kernel has not locked the directories and does not know of
/// the change, so it is told afterwards which names lead elsewhere. Permissions are the metadata service's, of the caller.
/// </summary>
internal sealed class DirectOps(ClusterContext context, NameOps names, AllocationOps allocation)
{
    /// <summary>
    /// A caller may hold the lock of one directory while another, who holds the one whose name is to be forgotten, waits
    /// for it: then the kernel hears of the change only after the reply.
    /// </summary>
    private static readonly TimeSpan _forgetPatience = TimeSpan.FromSeconds(1);

    /// <summary>Removes a name and, if asked, everything below it.</summary>
    public async ValueTask<Errno> RemoveAsync(FuseRequest request, InodeId parent, FileName name, bool withTree)
    {
        var found = await context.Meta.LookupAsync(context.User(request), parent, name, request.Cancellation);
        if (!found.TryGet(out var victim)) return context.Fail(request, found.Status);
        var error = victim.Type != InodeType.Directory ? await names.UnlinkAsync(request, parent, name)
            : withTree ? await RemoveTreeAsync(request, parent, name)
            : await names.RemoveDirectoryAsync(request, parent, name);
        if (error == Errno.Ok) await ForgetAsync(request, (parent, name));
        return error;
    }

    /// <summary>
    /// The same as the effect of a rename(2) out of the tree: the kernel takes the name away itself, under the locks that
    /// it holds.
    /// </summary>
    public async ValueTask<Errno> RemoveForRenameAsync(FuseRequest request, InodeId parent, FileName name)
    {
        var found = await context.Meta.LookupAsync(context.User(request), parent, name, request.Cancellation);
        if (!found.TryGet(out var victim)) return context.Fail(request, found.Status);
        return victim.Type == InodeType.Directory
            ? await RemoveTreeAsync(request, parent, name)
            : await names.UnlinkAsync(request, parent, name);
    }

    /// <summary>The same by a path from the root of the file system; its last component is not followed.</summary>
    public async ValueTask<Errno> RemovePathAsync(FuseRequest request, ReadOnlyMemory<byte> path)
    {
        var found = await ParentOfAsync(request, path);
        return found.TryGet(out var place)
            ? await RemoveAsync(request, place.Parent, place.Name, withTree: true)
            : context.Fail(request, found.Status);
    }

    /// <summary>The same for an open directory, by the name under which this mount knows it.</summary>
    public async ValueTask<Errno> RemoveOpenDirectoryAsync(FuseRequest request)
    {
        var id = InodeTable.IdOf(request.Node);
        if (id == InodeId.Root) return Errno.EBUSY;
        if (context.Inodes.Find(id)?.Name is not { } place) return Errno.ESTALE;
        var found = await context.Meta.LookupAsync(
            context.User(request), place.Parent, place.Name, request.Cancellation);
        if (!found.TryGet(out var attr)) return context.Fail(request, found.Status);
        return attr.Id == id ? await RemoveAsync(request, place.Parent, place.Name, withTree: true) : Errno.ESTALE;
    }

    /// <param name="toTrash">
    /// What is moved is going to be removed by somebody else: only its owner may do that, and nothing is replaced.
    /// </param>
    public async ValueTask<Errno> MoveAsync(
        FuseRequest request, InodeId from, FileName name, InodeId to, FileName newName, bool toTrash)
    {
        if (toTrash)
        {
            var found = await context.Meta.LookupAsync(context.User(request), from, name, request.Cancellation);
            if (!found.TryGet(out var attr)) return context.Fail(request, found.Status);
            const uint ownersAll = 0x1C0;
            var mayEmpty = attr.Uid == request.Header.Uid
                && (attr.Type != InodeType.Directory || (attr.Mode & ownersAll) == ownersAll);
            if (request.Header.Uid != 0 && !mayEmpty) return Errno.EPERM;
        }

        var flags = toTrash ? RenameFlags.NoReplace : default;
        var error = await names.RenameAsync(request, from, name, to, newName, flags);
        if (error == Errno.Ok) await ForgetAsync(request, (from, name), (to, newName));
        return error;
    }

    /// <summary>
    /// Moves what lies at a path from the root to a name that the caller is about to make, in the request's directory.
    /// </summary>
    public async ValueTask<Errno> MoveHereAsync(FuseRequest request, ReadOnlyMemory<byte> path, FileName newName)
    {
        var found = await ParentOfAsync(request, path);
        if (!found.TryGet(out var place)) return context.Fail(request, found.Status);
        var here = InodeTable.IdOf(request.Node);
        var error = await names.RenameAsync(
            request, place.Parent, place.Name, here, newName, RenameFlags.NoReplace);
        if (error != Errno.Ok) return error;

        // The caller holds the lock of this directory until the reply.
        var forgotten = request.Session.ForgetNameAsync(InodeTable.NodeOf(place.Parent), place.Name);
        if (place.Parent != here) await PatientlyAsync(forgotten);
        return error;
    }

    /// <summary>Gives the request's file another name.</summary>
    public async ValueTask<Errno> LinkAsync(FuseRequest request, InodeId newParent, FileName newName)
    {
        var id = InodeTable.IdOf(request.Node);
        using var change = names.Changing(newParent);
        var asked = context.Now;
        var made = await context.Meta.LinkAsync(
            context.User(request), id, newParent, newName, request.Cancellation);
        if (!made.TryGet(out var attr)) return context.FailInode(request, made.Status);
        context.Inodes.Find(id)?.Merge(attr, asked);
        request.Session.ForgetAttributes(request.Node);
        await ForgetAsync(request, (newParent, newName));
        return Errno.Ok;
    }

    /// <summary>Makes ranges of the open file read as zeros and gives back whole chunks.</summary>
    public ValueTask<Errno> PunchAsync(FuseRequest request, ulong handle, (ulong Start, ulong End)[] ranges) =>
        allocation.PunchAsync(request, handle, ranges);

    private async ValueTask<Errno> RemoveTreeAsync(FuseRequest request, InodeId parent, FileName name)
    {
        using var change = names.Changing(parent);
        return context.Fail(request, await context.Meta.RemoveTreeAsync(
            context.User(request), parent, name, request.Cancellation));
    }

    private async ValueTask<Result<(InodeId Parent, FileName Name)>> ParentOfAsync(
        FuseRequest request, ReadOnlyMemory<byte> path)
    {
        var end = path.Span.LastIndexOfAnyExcept((byte)'/') + 1;
        var start = path.Span[..end].LastIndexOf((byte)'/') + 1;
        var name = new FileName(path[start..end]);
        if (!name.IsEntryName) return new Status(StatusCode.InvalidArgument, "the path names no entry");
        var root = "/"u8.ToArray();
        var parent = await context.Meta.ResolveAsync(
            context.User(request), InodeId.Root, start == 0 ? root : path[..start], followLast: true,
            request.Cancellation);
        return parent.TryGet(out var directory) ? (directory.Id, name) : parent.Status;
    }

    private async ValueTask ForgetAsync(FuseRequest request, params (InodeId Parent, FileName Name)[] places)
    {
        foreach (var (parent, name) in places)
            await PatientlyAsync(request.Session.ForgetNameAsync(InodeTable.NodeOf(parent), name));
    }

    private async Task PatientlyAsync(Task forgotten) =>
        await Task.WhenAny(forgotten, Task.Delay(_forgetPatience, context.Time));
}
