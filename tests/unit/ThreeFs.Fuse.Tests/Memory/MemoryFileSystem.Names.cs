using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Native;
using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Session;

namespace ThreeFs.Fuse.Tests.Memory;

/// <summary>Making, removing and moving names.</summary>
internal sealed partial class MemoryFileSystem
{
    private const uint SymlinkMode = 0xA000 | 0x1FF;

    public ValueTask<Errno> ReadLinkAsync(FuseRequest request)
    {
        lock (_lock)
        {
            if (!_nodes.TryGetValue(request.Node, out var node)) return new(Errno.ESTALE);
            return new(request.Reply(node.Target.Span));
        }
    }

    public ValueTask<Errno> MakeNodeAsync(FuseRequest request, FuseMkNodIn a, FileName name)
    {
        lock (_lock) return new(Make(request, name, a.Mode, a.Device, default, out _));
    }

    public ValueTask<Errno> MakeDirectoryAsync(FuseRequest request, FuseMkDirIn a, FileName name)
    {
        lock (_lock) return new(Make(request, name, (a.Mode & ~LibC.S_IFMT) | LibC.S_IFDIR, 0, default, out _));
    }

    public ValueTask<Errno> SymlinkAsync(FuseRequest request, FileName name, ReadOnlyMemory<byte> target)
    {
        lock (_lock) return new(Make(request, name, SymlinkMode, 0, target, out _));
    }

    public ValueTask<Errno> UnlinkAsync(FuseRequest request, FileName name)
    {
        lock (_lock)
        {
            var found = Find(request.Node, name, out var parent, out var node);
            if (found != Errno.Ok) return new(found);
            if (node!.IsDirectory) return new(Errno.EISDIR);
            Remove(parent!, name, node);
            return new(Errno.Ok);
        }
    }

    public ValueTask<Errno> RemoveDirectoryAsync(FuseRequest request, FileName name)
    {
        lock (_lock)
        {
            var found = Find(request.Node, name, out var parent, out var node);
            if (found != Errno.Ok) return new(found);
            if (!node!.IsDirectory) return new(Errno.ENOTDIR);
            if (node.Entries!.Count != 0) return new(Errno.ENOTEMPTY);
            Remove(parent!, name, node);
            return new(Errno.Ok);
        }
    }

    public ValueTask<Errno> LinkAsync(FuseRequest request, ulong source, FileName newName)
    {
        lock (_lock)
        {
            if (!_nodes.TryGetValue(source, out var node)) return new(Errno.ESTALE);
            if (node.IsDirectory) return new(Errno.EPERM);
            var found = Find(request.Node, newName, out var parent, out _);
            if (found != Errno.ENOENT) return new(found == Errno.Ok ? Errno.EEXIST : found);
            if (node.LinkCount == 0) return new(Errno.ENOENT);
            parent!.Entries!.Add(newName, node);
            node.LinkCount++;
            node.ChangeTime = Touch(parent);
            return new(Entry(request, node));
        }
    }

    public ValueTask<Errno> RenameAsync(
        FuseRequest request, FileName name, ulong newParent, FileName newName, RenameFlags flags)
    {
        lock (_lock)
        {
            var found = Find(request.Node, name, out var from, out var node);
            if (found != Errno.Ok) return new(found);
            var there = Find(newParent, newName, out var to, out var old);
            if (there is not (Errno.Ok or Errno.ENOENT)) return new(there);
            if (flags.HasFlag(RenameFlags.Exchange)) return new(Exchange(from!, name, node!, to!, newName, old));
            return new(Move(from!, name, node!, to!, newName, old, flags));
        }
    }

    private Errno Move(
        MemoryNode from, FileName name, MemoryNode node, MemoryNode to, FileName newName, MemoryNode? old,
            RenameFlags flags)
    {
        if (ReferenceEquals(old, node)) return Errno.Ok;
        if (node.IsDirectory && IsInside(to, node)) return Errno.EINVAL;
        if (old is not null)
        {
            if (flags.HasFlag(RenameFlags.NoReplace)) return Errno.EEXIST;
            if (old.IsDirectory && !node.IsDirectory) return Errno.EISDIR;
            if (!old.IsDirectory && node.IsDirectory) return Errno.ENOTDIR;
            if (old.IsDirectory && old.Entries!.Count != 0) return Errno.ENOTEMPTY;
            Remove(to, newName, old);
        }

        from.Entries!.Remove(name);
        to.Entries!.Add(newName, node);
        Reparent(node, from, to);
        Touch(from);
        node.ChangeTime = Touch(to);
        return Errno.Ok;
    }

    private Errno Exchange(MemoryNode from, FileName name, MemoryNode node, MemoryNode to, FileName newName,
        MemoryNode? old)
    {
        if (old is null) return Errno.ENOENT;
        if (node.IsDirectory && IsInside(to, node)) return Errno.EINVAL;
        if (old.IsDirectory && IsInside(from, old)) return Errno.EINVAL;
        from.Entries![name] = old;
        to.Entries![newName] = node;
        Reparent(node, from, to);
        Reparent(old, to, from);
        Touch(from);
        old.ChangeTime = node.ChangeTime = Touch(to);
        return Errno.Ok;
    }

    private static void Reparent(MemoryNode node, MemoryNode from, MemoryNode to)
    {
        if (!node.IsDirectory || ReferenceEquals(from, to)) return;
        node.Parent = to;
        from.LinkCount--;
        to.LinkCount++;
    }

    private static bool IsInside(MemoryNode directory, MemoryNode root)
    {
        for (var at = directory; ; at = at.Parent!)
        {
            if (ReferenceEquals(at, root)) return true;
            if (ReferenceEquals(at, at.Parent)) return false;
        }
    }

    private Errno Make(FuseRequest request, FileName name, uint mode, uint device, ReadOnlyMemory<byte> target,
        out MemoryNode? made)
    {
        const uint setGid = 0x400;
        made = null;
        var found = Find(request.Node, name, out var parent, out _);
        if (found != Errno.ENOENT) return found == Errno.Ok ? Errno.EEXIST : found;
        if (parent!.LinkCount == 0) return Errno.ENOENT;
        var inherits = (parent.Mode & setGid) != 0;
        if (inherits && (mode & LibC.S_IFMT) == LibC.S_IFDIR) mode |= setGid;
        made = new MemoryNode(++_lastId, mode, request.Header.Uid, inherits ? parent.Gid : request.Header.Gid, Now)
        {
            Device = device, Target = target, Parent = parent,
        };
        _nodes.Add(made.Id, made);
        parent.Entries!.Add(name, made);
        if (made.IsDirectory) parent.LinkCount++;
        Touch(parent);
        return Entry(request, made);
    }

    private void Remove(MemoryNode parent, FileName name, MemoryNode node)
    {
        parent.Entries!.Remove(name);
        if (node.IsDirectory)
        {
            node.LinkCount = 0;
            parent.LinkCount--;
        }
        else
        {
            node.LinkCount--;
        }

        node.ChangeTime = Touch(parent);
        DropIfUnused(node);
    }

    private DateTimeOffset Touch(MemoryNode directory) => directory.ModifyTime = directory.ChangeTime = Now;
}
