using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Native;
using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Session;

namespace ThreeFs.Fuse.Tests.Memory;

/// <summary>
/// Open files, listings and extended attributes. A handle is its node's number: nothing is kept for an open file but a
/// count.
/// </summary>
internal sealed partial class MemoryFileSystem
{
    private readonly Dictionary<ulong, MemoryListing> _listings = [];
    private ulong _lastListing;

    public ValueTask<Errno> OpenAsync(FuseRequest request, FuseOpenIn a)
    {
        lock (_lock)
        {
            if (!_nodes.TryGetValue(request.Node, out var node)) return new(Errno.ESTALE);
            if ((a.Flags & LibC.O_TRUNC) != 0)
            {
                node.Content!.SetLength(0);
                node.ModifyTime = node.ChangeTime = Now;
                if ((a.OpenFlags & FuseConstants.OpenKillSuidGid) != 0) KillPrivileges(node);
            }

            node.Opens++;
            return new(request.Reply(new FuseOpenOut { Handle = node.Id, Flags = OpenReply(a.Flags) }));
        }
    }

    public ValueTask<Errno> CreateAsync(FuseRequest request, FuseCreateIn a, FileName name)
    {
        lock (_lock)
        {
            var result = Make(request, name, (a.Mode & ~LibC.S_IFMT) | LibC.S_IFREG, 0, default, out var node);
            if (result == Errno.EEXIST && (a.Flags & LibC.O_EXCL) == 0)
            {
                Find(request.Node, name, out _, out node);
                if (node!.Content is null) return new(Errno.EISDIR);
                if ((a.Flags & LibC.O_TRUNC) != 0) node.Content.SetLength(0);
                result = Errno.Ok;
            }
            else if (result == Errno.Ok)
            {
                node!.Lookups--;
            }

            if (result != Errno.Ok) return new(result);
            node!.Opens++;
            return new(request.Reply(MakeEntry(node),
                new FuseOpenOut { Handle = node.Id, Flags = OpenReply(a.Flags) }));
        }
    }

    public ValueTask<Errno> ReadAsync(FuseRequest request, FuseReadIn a)
    {
        if (Content(a.Handle) is not { } content) return new(Errno.EBADF);
        var size = (int)Math.Min(a.Size, (uint)request.Payload.Length);
        return new(request.ReplyPayload(content.Read((long)a.Offset, request.Payload.Span[..size])));
    }

    public ValueTask<Errno> WriteAsync(FuseRequest request, FuseWriteIn a, IoMemory data)
    {
        MemoryNode? node;
        lock (_lock)
        {
            if (!_nodes.TryGetValue(a.Handle, out node)) return new(Errno.EBADF);
            node.ModifyTime = node.ChangeTime = Now;
            if ((a.WriteFlags & FuseWriteFlags.KillSuidGid) != 0 && KillPrivileges(node))
                request.Session.ForgetAttributes(node.Id);
        }

        node.Content!.Write((long)a.Offset, data.Span);
        return new(request.Reply(new FuseWriteOut { Size = a.Size }));
    }

    public ValueTask<Errno> FlushAsync(FuseRequest request, FuseFlushIn arguments) => new(Errno.Ok);

    public ValueTask<Errno> ReleaseAsync(FuseRequest request, FuseReleaseIn a) => new(Release(a.Handle));

    public ValueTask<Errno> FsyncAsync(FuseRequest request, FuseFsyncIn arguments) => new(Errno.Ok);

    public ValueTask<Errno> FallocateAsync(FuseRequest request, FuseFallocateIn a)
    {
        lock (_lock)
        {
            if (!_nodes.TryGetValue(a.Handle, out var node) || node.Content is null) return new(Errno.EBADF);
            if ((a.Mode & ~FallocateMode.Known) != 0) return new(Errno.EOPNOTSUPP);
            if ((a.Mode & FallocateMode.Clearing) != 0) node.Content.Clear((long)a.Offset, (long)a.Length);
            var grows = !a.Mode.HasFlag(FallocateMode.KeepSize) && a.Offset + a.Length > (ulong)node.Length;
            if (grows) node.Content.SetLength((long)(a.Offset + a.Length));
            node.ModifyTime = node.ChangeTime = Now;
            return new(Errno.Ok);
        }
    }

    public ValueTask<Errno> OpenDirectoryAsync(FuseRequest request, FuseOpenIn arguments)
    {
        lock (_lock)
        {
            if (!_nodes.TryGetValue(request.Node, out var node)) return new(Errno.ESTALE);
            node.Opens++;
            var listing = new MemoryListing(node);
            _listings.Add(++_lastListing, listing);
            return new(request.Reply(new FuseOpenOut { Handle = _lastListing }));
        }
    }

    public ValueTask<Errno> ReadDirectoryAsync(FuseRequest request, FuseReadIn a, bool plus)
    {
        lock (_lock)
        {
            if (!_listings.TryGetValue(a.Handle, out var listing)) return new(Errno.EBADF);
            if (a.Offset == 0) listing.Load();
            var size = (int)Math.Min(a.Size, (uint)request.Payload.Length);
            var writer = new DirentWriter(request.Payload.Span[..size]);
            for (var i = (int)a.Offset; i < listing.Items.Count; i++)
            {
                var (name, node) = listing.Items[i];
                var next = (ulong)i + 1;
                if (!plus)
                {
                    if (!writer.TryAdd(node.Id, next, node.Type, name.Span)) break;
                    continue;
                }

                var isSelf = name.IsDot || name.IsDotDot;
                var entry = isSelf ? default : MakeEntry(node);
                if (writer.TryAddPlus(entry, node.Id, next, node.Type, name.Span)) continue;
                if (!isSelf) node.Lookups--;
                break;
            }

            return new(request.ReplyPayload(writer.Written));
        }
    }

    public ValueTask<Errno> ReleaseDirectoryAsync(FuseRequest request, FuseReleaseIn a)
    {
        lock (_lock)
        {
            if (!_listings.Remove(a.Handle, out var listing)) return new(Errno.EBADF);
            listing.Directory.Opens--;
            DropIfUnused(listing.Directory);
            return new(Errno.Ok);
        }
    }

    public ValueTask<Errno> FsyncDirectoryAsync(FuseRequest request, FuseFsyncIn arguments) => new(Errno.Ok);

    public ValueTask<Errno> SetXattrAsync(FuseRequest request, FileName name, ReadOnlyMemory<byte> value, uint flags)
    {
        lock (_lock)
        {
            if (!_nodes.TryGetValue(request.Node, out var node)) return new(Errno.ESTALE);
            if (!IsKept(name)) return new(Errno.EOPNOTSUPP);
            if (value.Length > MaxXattrValue) return new(Errno.E2BIG);
            var exists = node.Xattrs.ContainsKey(name);
            if (flags == 1 && exists) return new(Errno.EEXIST);
            if (flags == 2 && !exists) return new(Errno.ENODATA);
            node.Xattrs[name] = value;
            node.ChangeTime = Now;
            return new(Errno.Ok);
        }
    }

    public ValueTask<Errno> GetXattrAsync(FuseRequest request, FileName name, uint size)
    {
        lock (_lock)
        {
            if (!_nodes.TryGetValue(request.Node, out var node)) return new(Errno.ESTALE);
            return new(node.Xattrs.TryGetValue(name, out var value)
                ? XattrReply.Send(request, value.Span, size)
                : Errno.ENODATA);
        }
    }

    public ValueTask<Errno> ListXattrAsync(FuseRequest request, uint size)
    {
        lock (_lock)
        {
            if (!_nodes.TryGetValue(request.Node, out var node)) return new(Errno.ESTALE);
            return new(XattrReply.SendNames(request, node.Xattrs.Keys, size));
        }
    }

    public ValueTask<Errno> RemoveXattrAsync(FuseRequest request, FileName name)
    {
        lock (_lock)
        {
            if (!_nodes.TryGetValue(request.Node, out var node)) return new(Errno.ESTALE);
            return new(node.Xattrs.Remove(name) ? Errno.Ok : Errno.ENODATA);
        }
    }

    private static FuseOpenReplyFlags OpenReply(uint flags) =>
        (flags & LibC.O_DIRECT) != 0
            ? FuseOpenReplyFlags.DirectIo | FuseOpenReplyFlags.ParallelDirectWrites
            : FuseOpenReplyFlags.KeepCache;

    /// <summary>Access control lists ("system.") are not: to keep without obeying them would be a lie.</summary>
    private static bool IsKept(FileName name) =>
        name.Span.StartsWith("user."u8) || name.Span.StartsWith("trusted."u8) || name.Span.StartsWith("security."u8);

    private MemoryContent? Content(ulong handle)
    {
        lock (_lock) return _nodes.TryGetValue(handle, out var node) ? node.Content : null;
    }

    private Errno Release(ulong handle)
    {
        lock (_lock)
        {
            if (!_nodes.TryGetValue(handle, out var node)) return Errno.EBADF;
            node.Opens--;
            DropIfUnused(node);
            return Errno.Ok;
        }
    }

    /// <summary>
    /// The entries as they were when the listing began: positions stay valid while names come and go.
    /// </summary>
    private sealed class MemoryListing(MemoryNode directory)
    {
        public MemoryNode Directory { get; } = directory;
        public List<(FileName Name, MemoryNode Node)> Items { get; private set; } = [];

        public void Load() => Items =
        [
            (FileName.FromText("."), Directory), (FileName.FromText(".."), Directory.Parent!),
            .. Directory.Entries!.Select(e => (e.Key, e.Value)),
        ];
    }
}
