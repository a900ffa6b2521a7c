using System.Runtime.CompilerServices;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Protocol;

namespace ThreeFs.Fuse.Session;

/// <summary>Decodes a request and starts its operation. Knows the messages, not their meaning.</summary>
internal sealed class FuseDispatcher(IFuseFileSystem fileSystem)
{
    private readonly IFuseFileSystem _fs = fileSystem;

    public ValueTask<Errno> Start(FuseRequest r) => r.Opcode switch
    {
        FuseOpcode.Read => _fs.ReadAsync(r, r.Arguments<FuseReadIn>()),
        FuseOpcode.Write => Write(r),
        FuseOpcode.Lookup => _fs.LookupAsync(r, r.Name()),
        FuseOpcode.GetAttr => _fs.GetAttrAsync(r, r.Arguments<FuseGetAttrIn>()),
        FuseOpcode.SetAttr => _fs.SetAttrAsync(r, r.Arguments<FuseSetAttrIn>()),
        FuseOpcode.Open => _fs.OpenAsync(r, r.Arguments<FuseOpenIn>()),
        FuseOpcode.Create => _fs.CreateAsync(r, r.Arguments<FuseCreateIn>(), r.Name(Unsafe.SizeOf<FuseCreateIn>())),
        FuseOpcode.Flush => _fs.FlushAsync(r, r.Arguments<FuseFlushIn>()),
        FuseOpcode.Release => _fs.ReleaseAsync(r, r.Arguments<FuseReleaseIn>()),
        FuseOpcode.Fsync => _fs.FsyncAsync(r, r.Arguments<FuseFsyncIn>()),
        FuseOpcode.OpenDir => _fs.OpenDirectoryAsync(r, r.Arguments<FuseOpenIn>()),
        FuseOpcode.ReadDir => _fs.ReadDirectoryAsync(r, r.Arguments<FuseReadIn>(), plus: false),
        FuseOpcode.ReadDirPlus => _fs.ReadDirectoryAsync(r, r.Arguments<FuseReadIn>(), plus: true),
        FuseOpcode.ReleaseDir => _fs.ReleaseDirectoryAsync(r, r.Arguments<FuseReleaseIn>()),
        FuseOpcode.FsyncDir => _fs.FsyncDirectoryAsync(r, r.Arguments<FuseFsyncIn>()),
        FuseOpcode.ReadLink => _fs.ReadLinkAsync(r),
        FuseOpcode.Symlink => Symlink(r),
        FuseOpcode.MkNod => _fs.MakeNodeAsync(r, r.Arguments<FuseMkNodIn>(), r.Name(Unsafe.SizeOf<FuseMkNodIn>())),
        FuseOpcode.MkDir => _fs.MakeDirectoryAsync(r, r.Arguments<FuseMkDirIn>(), r.Name(Unsafe.SizeOf<FuseMkDirIn>())),
        FuseOpcode.Unlink => _fs.UnlinkAsync(r, r.Name()),
        FuseOpcode.RmDir => _fs.RemoveDirectoryAsync(r, r.Name()),
        FuseOpcode.Rename => Rename(r, Unsafe.SizeOf<FuseRenameIn>(), r.Arguments<FuseRenameIn>().NewParent, 0),
        FuseOpcode.Rename2 => Rename2(r),
        FuseOpcode.Link => _fs.LinkAsync(r, r.Arguments<FuseLinkIn>().OldNode, r.Name(Unsafe.SizeOf<FuseLinkIn>())),
        FuseOpcode.StatFs => _fs.StatFsAsync(r),
        FuseOpcode.Access => _fs.AccessAsync(r, r.Arguments<FuseAccessIn>()),
        FuseOpcode.SetXattr => SetXattr(r),
        FuseOpcode.GetXattr => GetXattr(r),
        FuseOpcode.ListXattr => _fs.ListXattrAsync(r, r.Arguments<FuseGetXattrIn>().Size),
        FuseOpcode.RemoveXattr => _fs.RemoveXattrAsync(r, r.Name()),
        FuseOpcode.Fallocate => _fs.FallocateAsync(r, r.Arguments<FuseFallocateIn>()),
        FuseOpcode.LSeek => _fs.SeekAsync(r, r.Arguments<FuseLSeekIn>()),
        FuseOpcode.CopyFileRange => _fs.CopyRangeAsync(r, r.Arguments<FuseCopyFileRangeIn>()),
        FuseOpcode.Ioctl =>
            _fs.IoctlAsync(r, r.Arguments<FuseIoctlIn>(),
                r.Body[Math.Min(Unsafe.SizeOf<FuseIoctlIn>(), r.Body.Length)..].ToArray()),
        FuseOpcode.GetLock => _fs.GetLockAsync(r, r.Arguments<FuseLockIn>()),
        FuseOpcode.SetLock => _fs.SetLockAsync(r, r.Arguments<FuseLockIn>(), waits: false),
        FuseOpcode.SetLockWait => _fs.SetLockAsync(r, r.Arguments<FuseLockIn>(), waits: true),
        FuseOpcode.SyncFs => _fs.SyncFsAsync(r),
        FuseOpcode.Destroy => new(Errno.Ok),
        _ => new(Errno.ENOSYS),
    };

    private ValueTask<Errno> Write(FuseRequest r)
    {
        var arguments = r.Arguments<FuseWriteIn>();
        return r.Body.Length - Unsafe.SizeOf<FuseWriteIn>() != arguments.Size || arguments.Size > r.Payload.Length
            ? new(Errno.EINVAL)
            : _fs.WriteAsync(r, arguments, r.Payload.Slice(0, (int)arguments.Size));
    }

    private ValueTask<Errno> Symlink(FuseRequest r)
    {
        var name = r.Name(0, out var next);
        return _fs.SymlinkAsync(r, name, r.Name(next).Bytes);
    }

    private ValueTask<Errno> Rename2(FuseRequest r)
    {
        var arguments = r.Arguments<FuseRename2In>();
        return Rename(r, Unsafe.SizeOf<FuseRename2In>(), arguments.NewParent, arguments.Flags);
    }

    private ValueTask<Errno> Rename(FuseRequest r, int namesAt, ulong newParent, uint flags)
    {
        const uint known = (uint)(RenameFlags.NoReplace | RenameFlags.Exchange);
        var name = r.Name(namesAt, out var next);
        return (flags & ~known) != 0 || flags == known
            ? new(Errno.EINVAL)
            : _fs.RenameAsync(r, name, newParent, r.Name(next), (RenameFlags)flags);
    }

    private ValueTask<Errno> SetXattr(FuseRequest r)
    {
        var arguments = r.Arguments<FuseSetXattrIn>();
        var head = r.Session.LongSetXattr ? Unsafe.SizeOf<FuseSetXattrIn>() : 2 * sizeof(uint);
        var name = r.Name(head, out var next);
        return next + (long)arguments.Size > r.Body.Length
            ? new(Errno.EINVAL)
            : _fs.SetXattrAsync(r, name, r.Body.Slice(next, (int)arguments.Size).ToArray(), arguments.Flags);
    }

    private ValueTask<Errno> GetXattr(FuseRequest r) =>
        _fs.GetXattrAsync(r, r.Name(Unsafe.SizeOf<FuseGetXattrIn>()), r.Arguments<FuseGetXattrIn>().Size);
}
