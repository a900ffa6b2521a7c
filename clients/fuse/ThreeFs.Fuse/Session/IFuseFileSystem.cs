using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Protocol;

namespace ThreeFs.Fuse.Session;

/// <summary>
/// A file system behind a mount: one method for each operation of the kernel, already decoded. A method takes node,
/// caller and cancellation from the request, puts its answer there with <c>Reply</c>, and returns the error number; it
/// is called on many threads at a time and may complete on any. An exception is answered with EIO.
/// </summary>
/// <remarks>
/// The kernel counts how often it was told about a node (every reply with an entry, and every plus-entry of a directory
/// listing, is one) and gives counts back with <see cref="Forget"/>; until they are zero the node must stay known.
/// Permissions are checked by the kernel (default_permissions) before an operation gets here.
/// </remarks>
internal interface IFuseFileSystem
{
    ValueTask<Errno> LookupAsync(FuseRequest request, FileName name);
    void Forget(ulong node, ulong count);
    ValueTask<Errno> GetAttrAsync(FuseRequest request, FuseGetAttrIn arguments);
    ValueTask<Errno> SetAttrAsync(FuseRequest request, FuseSetAttrIn arguments);
    ValueTask<Errno> ReadLinkAsync(FuseRequest request);
    ValueTask<Errno> MakeNodeAsync(FuseRequest request, FuseMkNodIn arguments, FileName name);
    ValueTask<Errno> MakeDirectoryAsync(FuseRequest request, FuseMkDirIn arguments, FileName name);
    ValueTask<Errno> UnlinkAsync(FuseRequest request, FileName name);
    ValueTask<Errno> RemoveDirectoryAsync(FuseRequest request, FileName name);
    ValueTask<Errno> SymlinkAsync(FuseRequest request, FileName name, ReadOnlyMemory<byte> target);
    ValueTask<Errno> RenameAsync(FuseRequest request, FileName name, ulong newParent, FileName newName,
        RenameFlags flags);
    ValueTask<Errno> LinkAsync(FuseRequest request, ulong source, FileName newName);
    ValueTask<Errno> OpenAsync(FuseRequest request, FuseOpenIn arguments);
    ValueTask<Errno> CreateAsync(FuseRequest request, FuseCreateIn arguments, FileName name);

    /// <summary>
    /// Puts the data into <see cref="FuseRequest.Payload"/>; fewer than asked for only at the end of the file.
    /// </summary>
    ValueTask<Errno> ReadAsync(FuseRequest request, FuseReadIn arguments);

    /// <summary>The data lie in the request's payload and stay there until this completes.</summary>
    ValueTask<Errno> WriteAsync(FuseRequest request, FuseWriteIn arguments, IoMemory data);

    /// <summary>A descriptor was closed, maybe not the last one of its open file.</summary>
    ValueTask<Errno> FlushAsync(FuseRequest request, FuseFlushIn arguments);

    ValueTask<Errno> ReleaseAsync(FuseRequest request, FuseReleaseIn arguments);
    ValueTask<Errno> FsyncAsync(FuseRequest request, FuseFsyncIn arguments);
    ValueTask<Errno> OpenDirectoryAsync(FuseRequest request, FuseOpenIn arguments);
    ValueTask<Errno> ReadDirectoryAsync(FuseRequest request, FuseReadIn arguments, bool plus);
    ValueTask<Errno> ReleaseDirectoryAsync(FuseRequest request, FuseReleaseIn arguments);
    ValueTask<Errno> FsyncDirectoryAsync(FuseRequest request, FuseFsyncIn arguments);
    ValueTask<Errno> StatFsAsync(FuseRequest request);
    ValueTask<Errno> AccessAsync(FuseRequest request, FuseAccessIn arguments) => new(Errno.ENOSYS);
    ValueTask<Errno> SetXattrAsync(FuseRequest request, FileName name, ReadOnlyMemory<byte> value, uint flags) =>
        new(Errno.EOPNOTSUPP);

    /// <param name="size">0: only the value's length is asked for.</param>
    ValueTask<Errno> GetXattrAsync(FuseRequest request, FileName name, uint size) => new(Errno.EOPNOTSUPP);

    ValueTask<Errno> ListXattrAsync(FuseRequest request, uint size) => new(Errno.EOPNOTSUPP);
    ValueTask<Errno> RemoveXattrAsync(FuseRequest request, FileName name) => new(Errno.EOPNOTSUPP);
    ValueTask<Errno> FallocateAsync(FuseRequest request, FuseFallocateIn arguments) => new(Errno.EOPNOTSUPP);
    ValueTask<Errno> SeekAsync(FuseRequest request, FuseLSeekIn arguments) => new(Errno.ENOSYS);
    ValueTask<Errno> CopyRangeAsync(FuseRequest request, FuseCopyFileRangeIn arguments) => new(Errno.ENOSYS);
    ValueTask<Errno> IoctlAsync(FuseRequest request, FuseIoctlIn arguments, ReadOnlyMemory<byte> input) =>
        new(Errno.ENOTTY);

    /// <summary>F_GETLK. Asked only when the session has <see cref="FuseSessionOptions.Locks"/>.</summary>
    ValueTask<Errno> GetLockAsync(FuseRequest request, FuseLockIn arguments) => new(Errno.ENOSYS);

    /// <param name="waits">EAGAIN is no answer: wait until the lock can be set. Any signal of the caller ends it.</param>
    ValueTask<Errno> SetLockAsync(FuseRequest request, FuseLockIn arguments, bool waits) => new(Errno.ENOSYS);

    ValueTask<Errno> SyncFsAsync(FuseRequest request) => new(Errno.Ok);
}
