using System.Text;
using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Cluster;
using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Session;
using ThreeFs.Fuse.Tables;

namespace ThreeFs.Fuse.Virtual;

/// <summary>
/// Puts the directory <c>3fs-virt</c> into a mount's root, through which applications register shared memory for the
/// ring API and give commands that no system call has, and answers the control calls that its programs make; everything
/// else goes to the file system below.
/// </summary>
/// <remarks>
/// <code>
/// 3fs-virt/iovs/submit-ios, .ph, .pl   → the semaphore that says "look at the rings", by priority
/// 3fs-virt/iovs/KEY                    → /dev/shm/…, one a registered memory; see UsrbIo.RegistryKey
/// ln -s PATH 3fs-virt/rm-rf/ANY        removes PATH, which lies on this mount, with everything below, in one step
/// mv DIRECTORY 3fs-virt/rm-rf/         the same
/// ln -s mv:PATH DIRECTORY/NAME         moves PATH to NAME, also where the kernel sees two mounts of this file system
/// </code>
/// The directory is found by name and not listed in the root, so that whoever copies or removes everything does not meet it. Names of
/// registered memory are seen by their user only.
/// </remarks>
internal sealed class VirtualFileSystem(
    IFuseFileSystem inner, DirectOps direct, IovRegistry registry, ControlCalls control, NameCalls names, MountPaths paths, ILogger log)
    : IFuseFileSystem
{
    private const uint Directory = 0x4000, Link = 0xA000;
    private static readonly byte[] _root = "3fs-virt"u8.ToArray();
    private static readonly byte[] _iovs = "iovs"u8.ToArray();
    private static readonly byte[] _removeTrees = "rm-rf"u8.ToArray();

    private readonly HandleTable<OpenVirtualDirectory> _open = new();
    private ulong _moments;

    /// <summary>A virtual directory as somebody has it open.</summary>
    /// <param name="Handle">Of the registry directory.</param>
    private sealed record OpenVirtualDirectory(List<(ulong Node, uint Type, byte[] Name)> Entries, IovRegistry.RegistryHandle? Handle);

    public ValueTask<Errno> LookupAsync(FuseRequest request, FileName name)
    {
        if (IsRootOf(request.Node, name)) return new(ReplyDirectory(request, VirtualNodes.Root));
        if (!VirtualNodes.IsVirtual(request.Node)) return inner.LookupAsync(request, name);
        if (request.Node == VirtualNodes.Root && name.Span.SequenceEqual(_iovs)) return new(ReplyDirectory(request, VirtualNodes.Iovs));
        if (request.Node == VirtualNodes.Root && name.Span.SequenceEqual(_removeTrees))
            return new(ReplyDirectory(request, VirtualNodes.RemoveTrees));
        if (request.Node != VirtualNodes.Iovs) return new(Errno.ENOENT);
        var priority = IovRegistry.SemaphoreNamed(name);
        if (priority >= 0) return new(request.Reply(EntryOf(SemaphoreAttr(priority))));
        if (registry.Find(name) is not { } found) return new(Errno.ENOENT);
        return new(found.Uid == request.Header.Uid ? request.Reply(EntryOf(BufferAttr(found))) : Errno.EPERM);
    }

    public void Forget(ulong node, ulong count)
    {
        if (!VirtualNodes.IsVirtual(node)) inner.Forget(node, count);
    }

    public ValueTask<Errno> GetAttrAsync(FuseRequest request, FuseGetAttrIn arguments)
    {
        if (!VirtualNodes.IsVirtual(request.Node)) return inner.GetAttrAsync(request, arguments);
        return new(AttrOf(request.Node) is { } attr ? request.Reply(new FuseAttrOut { Attr = attr }) : Errno.ENOENT);
    }

    public ValueTask<Errno> SetAttrAsync(FuseRequest request, FuseSetAttrIn arguments) =>
        VirtualNodes.IsVirtual(request.Node) ? new(Errno.EPERM) : inner.SetAttrAsync(request, arguments);

    public ValueTask<Errno> ReadLinkAsync(FuseRequest request)
    {
        if (!VirtualNodes.IsVirtual(request.Node)) return inner.ReadLinkAsync(request);
        return new(TargetOf(request.Node) is { } target ? request.Reply(target) : Errno.EINVAL);
    }

    public ValueTask<Errno> MakeNodeAsync(FuseRequest request, FuseMkNodIn arguments, FileName name) =>
        IsInside(request.Node, name) ? new(Errno.EPERM) : inner.MakeNodeAsync(request, arguments, name);

    public ValueTask<Errno> MakeDirectoryAsync(FuseRequest request, FuseMkDirIn arguments, FileName name) =>
        IsInside(request.Node, name) ? new(Errno.EPERM) : inner.MakeDirectoryAsync(request, arguments, name);

    public ValueTask<Errno> UnlinkAsync(FuseRequest request, FileName name)
    {
        if (!IsInside(request.Node, name)) return inner.UnlinkAsync(request, name);
        if (request.Node != VirtualNodes.Iovs || IovRegistry.SemaphoreNamed(name) >= 0) return new(Errno.EPERM);
        if (registry.Find(name) is not { } found) return new(Errno.ENOENT);
        if (found.Uid != request.Header.Uid) return new(Errno.EPERM);
        registry.Remove(found);
        return new(Errno.Ok);
    }

    public ValueTask<Errno> RemoveDirectoryAsync(FuseRequest request, FileName name) =>
        IsInside(request.Node, name) ? new(Errno.EPERM) : inner.RemoveDirectoryAsync(request, name);

    public ValueTask<Errno> SymlinkAsync(FuseRequest request, FileName name, ReadOnlyMemory<byte> target)
    {
        if (!IsInside(request.Node, name))
        {
            return target.Span.StartsWith("mv:"u8) && paths.TryBelow(target["mv:".Length..], out var source)
                ? MoveAsync(request, source, name)
                : inner.SymlinkAsync(request, name, target);
        }

        if (request.Node == VirtualNodes.RemoveTrees) return RemoveTreeAsync(request, target);
        if (request.Node != VirtualNodes.Iovs) return new(Errno.EPERM);
        var caller = request.Header;
        var error = registry.Register(
            name, target.Span, caller.Uid, caller.Gid, CallerProcess.ProcessOf(caller.Pid), out var registration);
        return new(error == Errno.Ok ? request.Reply(EntryOf(BufferAttr(registration!))) : error);
    }

    public ValueTask<Errno> RenameAsync(FuseRequest request, FileName name, ulong newParent, FileName newName, RenameFlags flags)
    {
        if (IsInside(request.Node, name)) return new(Errno.EPERM);
        if (newParent == VirtualNodes.RemoveTrees && flags != RenameFlags.Exchange)
            return direct.RemoveForRenameAsync(request, InodeTable.IdOf(request.Node), name);
        return IsInside(newParent, newName) ? new(Errno.EPERM) : inner.RenameAsync(request, name, newParent, newName, flags);
    }

    public ValueTask<Errno> LinkAsync(FuseRequest request, ulong source, FileName newName) =>
        VirtualNodes.IsVirtual(source) || IsInside(request.Node, newName) ? new(Errno.EPERM) : inner.LinkAsync(request, source, newName);

    public ValueTask<Errno> OpenAsync(FuseRequest request, FuseOpenIn arguments) =>
        VirtualNodes.IsVirtual(request.Node) ? new(Errno.EPERM) : inner.OpenAsync(request, arguments);

    public ValueTask<Errno> CreateAsync(FuseRequest request, FuseCreateIn arguments, FileName name) =>
        IsInside(request.Node, name) ? new(Errno.EPERM) : inner.CreateAsync(request, arguments, name);

    public ValueTask<Errno> ReadAsync(FuseRequest request, FuseReadIn arguments) => inner.ReadAsync(request, arguments);

    public ValueTask<Errno> WriteAsync(FuseRequest request, FuseWriteIn arguments, IoMemory data) => inner.WriteAsync(request, arguments, data);

    public ValueTask<Errno> FlushAsync(FuseRequest request, FuseFlushIn arguments) => inner.FlushAsync(request, arguments);

    public ValueTask<Errno> ReleaseAsync(FuseRequest request, FuseReleaseIn arguments) => inner.ReleaseAsync(request, arguments);

    public ValueTask<Errno> FsyncAsync(FuseRequest request, FuseFsyncIn arguments) => inner.FsyncAsync(request, arguments);

    public ValueTask<Errno> OpenDirectoryAsync(FuseRequest request, FuseOpenIn arguments)
    {
        if (!VirtualNodes.IsVirtual(request.Node)) return inner.OpenDirectoryAsync(request, arguments);
        var caller = request.Header;
        var handle = request.Node == VirtualNodes.Iovs ? registry.Opened(CallerProcess.ProcessOf(caller.Pid), caller.Uid) : null;
        var opened = new OpenVirtualDirectory(EntriesOf(request.Node, caller.Uid), handle);
        return new(request.Reply(new FuseOpenOut { Handle = _open.Add(opened) }));
    }

    public ValueTask<Errno> ReadDirectoryAsync(FuseRequest request, FuseReadIn arguments, bool plus)
    {
        if (!VirtualNodes.IsVirtual(request.Node)) return inner.ReadDirectoryAsync(request, arguments, plus);
        if (_open.Find(arguments.Handle) is not { } opened) return new(Errno.EBADF);
        var writer = new DirentWriter(request.Payload.Span[..(int)Math.Min(arguments.Size, (uint)request.Payload.Length)]);
        for (var i = arguments.Offset; i < (ulong)opened.Entries.Count; i++)
        {
            var (node, type, name) = opened.Entries[(int)i];
            var fits = plus
                ? writer.TryAddPlus(default, node, i + 1, type >> 12, name)
                : writer.TryAdd(node, i + 1, type >> 12, name);
            if (!fits) break;
        }

        return new(request.ReplyPayload(writer.Written));
    }

    public ValueTask<Errno> ReleaseDirectoryAsync(FuseRequest request, FuseReleaseIn arguments)
    {
        if (!VirtualNodes.IsVirtual(request.Node)) return inner.ReleaseDirectoryAsync(request, arguments);
        if (_open.Remove(arguments.Handle)?.Handle is { } handle) registry.Closed(handle);
        return new(Errno.Ok);
    }

    public ValueTask<Errno> FsyncDirectoryAsync(FuseRequest request, FuseFsyncIn arguments) =>
        VirtualNodes.IsVirtual(request.Node) ? new(Errno.Ok) : inner.FsyncDirectoryAsync(request, arguments);

    public ValueTask<Errno> StatFsAsync(FuseRequest request) => inner.StatFsAsync(request);

    public ValueTask<Errno> AccessAsync(FuseRequest request, FuseAccessIn arguments) =>
        VirtualNodes.IsVirtual(request.Node) ? new(Errno.Ok) : inner.AccessAsync(request, arguments);

    public ValueTask<Errno> SetXattrAsync(FuseRequest request, FileName name, ReadOnlyMemory<byte> value, uint flags) =>
        VirtualNodes.IsVirtual(request.Node) ? new(Errno.EOPNOTSUPP) : inner.SetXattrAsync(request, name, value, flags);

    public ValueTask<Errno> GetXattrAsync(FuseRequest request, FileName name, uint size) =>
        VirtualNodes.IsVirtual(request.Node) ? new(Errno.ENODATA) : inner.GetXattrAsync(request, name, size);

    public ValueTask<Errno> ListXattrAsync(FuseRequest request, uint size) =>
        VirtualNodes.IsVirtual(request.Node) ? new(XattrReply.SendNames(request, [], size)) : inner.ListXattrAsync(request, size);

    public ValueTask<Errno> RemoveXattrAsync(FuseRequest request, FileName name) =>
        VirtualNodes.IsVirtual(request.Node) ? new(Errno.EOPNOTSUPP) : inner.RemoveXattrAsync(request, name);

    public ValueTask<Errno> FallocateAsync(FuseRequest request, FuseFallocateIn arguments) => inner.FallocateAsync(request, arguments);

    public ValueTask<Errno> SeekAsync(FuseRequest request, FuseLSeekIn arguments) => inner.SeekAsync(request, arguments);

    public ValueTask<Errno> CopyRangeAsync(FuseRequest request, FuseCopyFileRangeIn arguments) => inner.CopyRangeAsync(request, arguments);

    public ValueTask<Errno> IoctlAsync(FuseRequest request, FuseIoctlIn arguments, ReadOnlyMemory<byte> input)
    {
        if (control.TryAnswer(request, arguments, out var answer)) return new(answer);
        if (VirtualNodes.IsVirtual(request.Node)) return new(Errno.ENOTTY);
        if (NameCalls.IsOne(arguments.Command)) return names.RunAsync(request, arguments, input);
        return arguments.Command == ControlCalls.Fsync ? FsyncAsync(request, arguments) : inner.IoctlAsync(request, arguments, input);
    }

    public ValueTask<Errno> GetLockAsync(FuseRequest request, FuseLockIn arguments) =>
        VirtualNodes.IsVirtual(request.Node) ? new(Errno.EOPNOTSUPP) : inner.GetLockAsync(request, arguments);

    public ValueTask<Errno> SetLockAsync(FuseRequest request, FuseLockIn arguments, bool waits) =>
        VirtualNodes.IsVirtual(request.Node) ? new(Errno.EOPNOTSUPP) : inner.SetLockAsync(request, arguments, waits);

    public ValueTask<Errno> SyncFsAsync(FuseRequest request) => inner.SyncFsAsync(request);

    /// <summary>What rings wrote is on stable storage, and the kernel shows the length that they gave the file.</summary>
    private async ValueTask<Errno> FsyncAsync(FuseRequest request, FuseIoctlIn arguments)
    {
        var what = new FuseFsyncIn { Handle = arguments.Handle };
        var error = (arguments.Flags & FuseConstants.IoctlOfDirectory) != 0
            ? await inner.FsyncDirectoryAsync(request, what)
            : await inner.FsyncAsync(request, what);
        if (error != Errno.Ok) return error;
        request.Session.ForgetAttributes(request.Node);
        return request.Reply(new FuseIoctlOut());
    }

    private async ValueTask<Errno> RemoveTreeAsync(FuseRequest request, ReadOnlyMemory<byte> target)
    {
        var words = CallerProcess.CommandLine(request.Header.Pid);
        if (!paths.TryBelow(target, out var path) || !paths.IsDeliberate(words))
        {
            Log.RemovalRefused(log, request.Header.Uid, string.Join(' ', words));
            return Errno.EINVAL;
        }

        var error = await direct.RemovePathAsync(request, path);
        return error == Errno.Ok ? ReplyMoment(request, target.Length) : error;
    }

    private async ValueTask<Errno> MoveAsync(FuseRequest request, ReadOnlyMemory<byte> source, FileName name)
    {
        var error = await direct.MoveHereAsync(request, source, name);
        return error == Errno.Ok ? ReplyMoment(request, source.Length) : error;
    }

    /// <summary>The link that the caller believes to have made: it is gone when the kernel looks again.</summary>
    private Errno ReplyMoment(FuseRequest request, int length) => request.Reply(EntryOf(new FuseAttr
    {
        Ino = VirtualNodes.OfMoment(Interlocked.Increment(ref _moments)), Mode = Link | 0x1FF, LinkCount = 1,
        Uid = request.Header.Uid, Gid = request.Header.Gid, BlockSize = 4096, Size = (ulong)length,
    }));

    private static bool IsRootOf(ulong parent, FileName name) => parent == FuseConstants.RootNode && name.Span.SequenceEqual(_root);

    /// <summary>The name is, or would be, one of the virtual tree.</summary>
    private static bool IsInside(ulong parent, FileName name) => VirtualNodes.IsVirtual(parent) || IsRootOf(parent, name);

    private static Errno ReplyDirectory(FuseRequest request, ulong node) => request.Reply(EntryOf(DirectoryAttr(node)));

    /// <summary>Nothing here may be remembered by the kernel: it depends on who asks.</summary>
    private static FuseEntryOut EntryOf(in FuseAttr attr) => new() { Node = attr.Ino, Attr = attr };

    private FuseAttr? AttrOf(ulong node)
    {
        if (node is VirtualNodes.Root or VirtualNodes.Iovs or VirtualNodes.RemoveTrees) return DirectoryAttr(node);
        var priority = VirtualNodes.SemaphoreOf(node);
        if (priority >= 0) return SemaphoreAttr(priority);
        return registry.Find(node) is { } registration ? BufferAttr(registration) : null;
    }

    private static FuseAttr DirectoryAttr(ulong node) => new()
    {
        Ino = node, Mode = Directory | (node == VirtualNodes.Root ? 0x16Du : 0x1FFu), LinkCount = 2, BlockSize = 4096,
    };

    private FuseAttr SemaphoreAttr(int priority) => new()
    {
        Ino = VirtualNodes.OfSemaphore(priority), Mode = Link | 0x1B6, LinkCount = 1, BlockSize = 4096,
        Size = (ulong)registry.PathOfSemaphore(priority).Length,
    };

    private static FuseAttr BufferAttr(IovRegistry.Registration registration) => new()
    {
        Ino = registration.Node, Mode = Link | 0x100, LinkCount = 1, Uid = registration.Uid, Gid = registration.Gid, BlockSize = 4096,
        Size = (ulong)Encoding.UTF8.GetByteCount(registration.Buffer.Path),
    };

    private byte[]? TargetOf(ulong node)
    {
        var priority = VirtualNodes.SemaphoreOf(node);
        if (priority >= 0) return Encoding.ASCII.GetBytes(registry.PathOfSemaphore(priority));
        return registry.Find(node) is { } registration ? Encoding.UTF8.GetBytes(registration.Buffer.Path) : null;
    }

    private List<(ulong Node, uint Type, byte[] Name)> EntriesOf(ulong node, uint uid)
    {
        var entries = new List<(ulong, uint, byte[])> { (node, Directory, "."u8.ToArray()), (VirtualNodes.Root, Directory, ".."u8.ToArray()) };
        if (node == VirtualNodes.Root)
        {
            entries.Add((VirtualNodes.Iovs, Directory, _iovs));
            entries.Add((VirtualNodes.RemoveTrees, Directory, _removeTrees));
            return entries;
        }

        if (node == VirtualNodes.RemoveTrees) return entries;

        for (var priority = 0; priority < 3; priority++)
            entries.Add((VirtualNodes.OfSemaphore(priority), Link, Encoding.ASCII.GetBytes(IovRegistry.NameOfSemaphore(priority))));
        entries.AddRange(registry.Of(uid).Select(r => (r.Node, Link, r.Name.Bytes.ToArray())));
        return entries;
    }
}
