using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Native;
using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Session;

namespace ThreeFs.Fuse.Tests.Memory;

/// <summary>
/// A file system in this process's memory, complete enough for real programs: what the mount costs without anything
/// behind it, and the reference that tests of the protocol run against. One lock for the tree; the content of files
/// has its own.
/// </summary>
/// <remarks>Every operation completes at once. Nothing is kept beyond the process; space is limited by memory
/// alone.</remarks>
internal sealed partial class MemoryFileSystem : IFuseFileSystem
{
    private const ulong CacheSeconds = 1;
    private const int MaxXattrValue = 64 << 10;

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly Dictionary<ulong, MemoryNode> _nodes = [];
    private ulong _lastId = FuseConstants.RootNode;

    public MemoryFileSystem(TimeProvider time)
    {
        _time = time;
        var root = new MemoryNode(FuseConstants.RootNode, LibC.S_IFDIR | 0x1FF, 0, 0, time.GetUtcNow()) { Lookups = 1 };
        root.Parent = root;
        _nodes.Add(root.Id, root);
    }

    /// <summary>Inodes that are linked, open or known to the kernel.</summary>
    public int NodeCount
    {
        get
        {
            lock (_lock) return _nodes.Count;
        }
    }

    private DateTimeOffset Now => _time.GetUtcNow();

    public ValueTask<Errno> LookupAsync(FuseRequest request, FileName name)
    {
        lock (_lock)
        {
            var found = Find(request.Node, name, out var parent, out var node);
            if (parent is not null && name.IsDot) return new(Entry(request, parent));
            if (parent is not null && name.IsDotDot) return new(Entry(request, parent.Parent!));
            return new(found == Errno.Ok ? Entry(request, node!) : found);
        }
    }

    public void Forget(ulong node, ulong count)
    {
        lock (_lock)
        {
            if (!_nodes.TryGetValue(node, out var found)) return;
            Invariant.Check(found.Lookups >= count, "the kernel forgets what it was told");
            found.Lookups -= count;
            DropIfUnused(found);
        }
    }

    public ValueTask<Errno> GetAttrAsync(FuseRequest request, FuseGetAttrIn arguments)
    {
        lock (_lock) return new(_nodes.TryGetValue(request.Node, out var node) ? Attr(request, node) : Errno.ESTALE);
    }

    public ValueTask<Errno> SetAttrAsync(FuseRequest request, FuseSetAttrIn a)
    {
        lock (_lock)
        {
            if (!_nodes.TryGetValue(request.Node, out var node)) return new(Errno.ESTALE);
            var now = Now;
            if (a.Valid.HasFlag(FuseSetAttrValid.Size))
            {
                if (node.Content is null) return new(Errno.EISDIR);
                if (a.Size > long.MaxValue) return new(Errno.EFBIG);
                node.Content.SetLength((long)a.Size);
                node.ModifyTime = now;
            }

            const FuseSetAttrValid owner = FuseSetAttrValid.Uid | FuseSetAttrValid.Gid;
            if ((a.Valid & owner) != 0 || a.Valid.HasFlag(FuseSetAttrValid.KillSuidGid)) KillPrivileges(node);
            if (a.Valid.HasFlag(FuseSetAttrValid.Mode)) node.Mode = (node.Mode & LibC.S_IFMT) | (a.Mode & ~LibC.S_IFMT);
            if (a.Valid.HasFlag(FuseSetAttrValid.Uid)) node.Uid = a.Uid;
            if (a.Valid.HasFlag(FuseSetAttrValid.Gid)) node.Gid = a.Gid;
            if (a.Valid.HasFlag(FuseSetAttrValid.AccessTimeNow)) node.AccessTime = now;
            else if (a.Valid.HasFlag(FuseSetAttrValid.AccessTime))
                node.AccessTime = Time(a.AccessTime, a.AccessTimeNsec);
            if (a.Valid.HasFlag(FuseSetAttrValid.ModifyTimeNow)) node.ModifyTime = now;
            else if (a.Valid.HasFlag(FuseSetAttrValid.ModifyTime))
                node.ModifyTime = Time(a.ModifyTime, a.ModifyTimeNsec);
            node.ChangeTime = now;
            return new(Attr(request, node));
        }
    }

    public ValueTask<Errno> StatFsAsync(FuseRequest request)
    {
        lock (_lock)
        {
            var used = _nodes.Values.Sum(n => n.Content?.Bytes ?? 0) / 4096;
            return new(request.Reply(new FuseStatFsOut
            {
                Blocks = 1 << 28,
                BlocksFree = (1 << 28) - (ulong)used,
                BlocksAvailable = (1 << 28) - (ulong)used,
                Files = 1 << 24,
                FilesFree = (1 << 24) - (ulong)_nodes.Count,
                BlockSize = 4096,
                FragmentSize = 4096,
                NameLength = FileName.MaxLength,
            }));
        }
    }

    private static bool KillPrivileges(MemoryNode node)
    {
        const uint setUid = 0x800, setGid = 0x400, groupExecute = 0x8;
        if (node.IsDirectory) return false;
        var before = node.Mode;
        node.Mode &= ~setUid;
        if ((node.Mode & groupExecute) != 0) node.Mode &= ~setGid;
        return node.Mode != before;
    }

    private void DropIfUnused(MemoryNode node)
    {
        if (node.LinkCount == 0 && node.Lookups == 0 && node.Opens == 0) _nodes.Remove(node.Id);
    }

    private Errno Find(ulong parentId, FileName name, out MemoryNode? parent, out MemoryNode? node)
    {
        node = null;
        if (!_nodes.TryGetValue(parentId, out parent)) return Errno.ESTALE;
        if (parent.Entries is null) return Errno.ENOTDIR;
        if (name.IsTooLong) return Errno.ENAMETOOLONG;
        return parent.Entries.TryGetValue(name, out node) ? Errno.Ok : Errno.ENOENT;
    }

    private static Errno Entry(FuseRequest request, MemoryNode node) => request.Reply(MakeEntry(node));

    /// <summary>An entry for the kernel, which from now on knows the node once more.</summary>
    private static FuseEntryOut MakeEntry(MemoryNode node)
    {
        node.Lookups++;
        return new FuseEntryOut { Node = node.Id, EntryValid = CacheSeconds, AttrValid = CacheSeconds,
            Attr = ToAttr(node) };
    }

    private static Errno Attr(FuseRequest request, MemoryNode node) =>
        request.Reply(new FuseAttrOut { AttrValid = CacheSeconds, Attr = ToAttr(node) });

    private static FuseAttr ToAttr(MemoryNode node)
    {
        var (atime, mtime, ctime) = (FileTime.From(node.AccessTime), FileTime.From(node.ModifyTime),
            FileTime.From(node.ChangeTime));
        return new FuseAttr
        {
            Ino = node.Id,
            Size = (ulong)node.Length,
            Blocks = (ulong)(node.Content?.Bytes ?? 0) / 512,
            AccessTime = (ulong)atime.Seconds,
            ModifyTime = (ulong)mtime.Seconds,
            ChangeTime = (ulong)ctime.Seconds,
            AccessTimeNsec = atime.NanosecondPart,
            ModifyTimeNsec = mtime.NanosecondPart,
            ChangeTimeNsec = ctime.NanosecondPart,
            Mode = node.Mode,
            LinkCount = node.LinkCount,
            Uid = node.Uid,
            Gid = node.Gid,
            Device = node.Device,
            BlockSize = 4096,
        };
    }

    private static DateTimeOffset Time(ulong seconds, uint nanoseconds) =>
        DateTimeOffset.UnixEpoch.AddTicks((long)seconds * TimeSpan.TicksPerSecond + nanoseconds / 100);
}
