using System.Collections.Immutable;
using ThreeFs.Base;

namespace ThreeFs.Contracts.Meta;

/// <summary>
/// The metadata operations. Names are single components relative to a directory inode; <see cref="ResolveAsync"/> walks paths. Each call is
/// one serializable transaction; with the same <see cref="MetaContext.Request"/> a mutation may be sent again, to any server, and
/// is applied once. Errors are the <see cref="StatusCode"/>s of the 3000 range, which map to errno one to one.
/// </summary>
public interface IMetaService
{
    /// <summary>Walks an absolute path, or one relative to <paramref name="start"/>, following symlinks (the last one only if asked).</summary>
    ValueTask<Result<InodeAttr>> ResolveAsync(
        MetaContext context, InodeId start, ReadOnlyMemory<byte> path, bool followLast, CancellationToken ct);

    /// <summary>The entry's inode. "." and ".." are understood.</summary>
    ValueTask<Result<InodeAttr>> LookupAsync(MetaContext context, InodeId parent, FileName name, CancellationToken ct);

    ValueTask<Result<InodeAttr>> GetAttrAsync(MetaContext context, InodeId inode, CancellationToken ct);

    /// <summary>One result for each inode, in order; a missing one does not fail the others.</summary>
    ValueTask<Result<ImmutableArray<Result<InodeAttr>>>> BatchGetAttrAsync(
        MetaContext context, ImmutableArray<InodeId> inodes, CancellationToken ct);

    ValueTask<Result<InodeAttr>> SetAttrAsync(MetaContext context, InodeId inode, AttrChange change, CancellationToken ct);

    /// <summary>Checks permission as access(2) does.</summary>
    ValueTask<Status> AccessAsync(MetaContext context, InodeId inode, AccessMode mode, CancellationToken ct);

    /// <summary>Creates a regular file and opens it, or opens the one that is there unless <see cref="OpenFlags.Exclusive"/>.</summary>
    /// <param name="session">Registered when opened for writing.</param>
    ValueTask<Result<OpenResult>> CreateAsync(
        MetaContext context, InodeId parent, FileName name, NewInode file, OpenFlags flags, SessionId session, CancellationToken ct);

    /// <summary>Makes a directory, symlink, fifo, socket, device or unopened regular file.</summary>
    ValueTask<Result<InodeAttr>> MakeNodeAsync(
        MetaContext context, InodeId parent, FileName name, NewInode node, CancellationToken ct);

    /// <summary>Gives a non-directory another name.</summary>
    ValueTask<Result<InodeAttr>> LinkAsync(
        MetaContext context, InodeId inode, InodeId newParent, FileName newName, CancellationToken ct);

    /// <summary>
    /// Removes a name of a non-directory. With the last name gone the inode's chunks are collected later, after every session has closed.
    /// </summary>
    /// <param name="keepOpenFor">
    /// Not null: this session still has the file open and keeps its content alive until it closes, however many names are left.
    /// </param>
    /// <returns>The inode after the removal (link count 0 when it was the last name).</returns>
    ValueTask<Result<InodeAttr>> UnlinkAsync(
        MetaContext context, InodeId parent, FileName name, SessionId? keepOpenFor, CancellationToken ct);

    /// <summary>Removes an empty directory.</summary>
    /// <returns>The directory as it is after its removal (link count 0).</returns>
    ValueTask<Result<InodeAttr>> RemoveDirectoryAsync(
        MetaContext context, InodeId parent, FileName name, CancellationToken ct);

    /// <summary>Removes a directory with everything below; the work happens later in the background.</summary>
    ValueTask<Status> RemoveTreeAsync(MetaContext context, InodeId parent, FileName name, CancellationToken ct);

    /// <summary>rename(2) with the flags of renameat2(2).</summary>
    /// <returns>The moved inode, and the replaced one after its removal if there was one.</returns>
    ValueTask<Result<RenameResult>> RenameAsync(
        MetaContext context, InodeId parent, FileName name, InodeId newParent, FileName newName, RenameFlags flags, CancellationToken ct);

    /// <summary>Entries behind <paramref name="after"/> in byte order of names (null: from the beginning), at most <paramref name="limit"/>.</summary>
    ValueTask<Result<DirPage>> ReadDirectoryAsync(
        MetaContext context, InodeId directory, FileName? after, int limit, bool withAttr, CancellationToken ct);

    /// <summary>Opens an inode: checks permission, truncates if asked, registers the session when it may write.</summary>
    ValueTask<Result<InodeAttr>> OpenAsync(
        MetaContext context, InodeId inode, OpenFlags flags, SessionId session, CancellationToken ct);

    /// <summary>Registers a session for a file that has been open for reading a while, so that it is not collected when unlinked elsewhere.</summary>
    ValueTask<Status> KeepOpenAsync(MetaContext context, InodeId inode, SessionId session, CancellationToken ct);

    /// <summary>Reports length and times, ends the session.</summary>
    ValueTask<Result<InodeAttr>> CloseAsync(
        MetaContext context, InodeId inode, SessionId session, LengthHint hint, CancellationToken ct);

    /// <summary>Makes length and times exact.</summary>
    /// <param name="durable">Answer only when the record is on stable storage.</param>
    ValueTask<Result<InodeAttr>> SyncAsync(
        MetaContext context, InodeId inode, LengthHint hint, bool durable, CancellationToken ct);

    /// <summary>
    /// Reserves the place of an append: <paramref name="count"/> bytes behind the file's exact end, which moves behind them. What is
    /// not written there afterwards reads as zeros.
    /// </summary>
    /// <returns>The inode with its new length; the place is the last <paramref name="count"/> bytes of it.</returns>
    ValueTask<Result<InodeAttr>> AppendAsync(MetaContext context, InodeId inode, long count, CancellationToken ct);

    /// <summary>Sets or gives back a lock of one of the client's owners, or refuses because another owner's stands in the way.</summary>
    ValueTask<Result<LockAnswer>> SetLockAsync(MetaContext context, InodeId inode, LockRequest request, CancellationToken ct);

    /// <summary>The first lock that stands in the way of the one asked about; null when it could be set.</summary>
    ValueTask<Result<FileLock?>> TestLockAsync(MetaContext context, InodeId inode, LockRequest request, CancellationToken ct);

    /// <summary>Ends sessions whose close got lost.</summary>
    ValueTask<Status> PruneSessionsAsync(MetaContext context, ImmutableArray<SessionId> sessions, CancellationToken ct);

    /// <summary>Every metadata change acknowledged before is on stable storage when this returns (fsync of a directory, syncfs).</summary>
    ValueTask<Status> FlushAsync(MetaContext context, CancellationToken ct);

    ValueTask<Result<FileSystemSpace>> StatFsAsync(MetaContext context, CancellationToken ct);

    /// <summary>An extended attribute's value; <see cref="StatusCode.NoSuchAttribute"/> when it is not set.</summary>
    ValueTask<Result<ReadOnlyMemory<byte>>> GetXattrAsync(MetaContext context, InodeId inode, FileName name, CancellationToken ct);

    /// <param name="mode">0: set; 1 (XATTR_CREATE): must not exist; 2 (XATTR_REPLACE): must exist.</param>
    ValueTask<Status> SetXattrAsync(
        MetaContext context, InodeId inode, FileName name, ReadOnlyMemory<byte> value, int mode, CancellationToken ct);

    ValueTask<Result<ImmutableArray<FileName>>> ListXattrAsync(MetaContext context, InodeId inode, CancellationToken ct);
    ValueTask<Status> RemoveXattrAsync(MetaContext context, InodeId inode, FileName name, CancellationToken ct);
}

public sealed record RenameResult(InodeAttr Moved, InodeAttr? Replaced);

/// <summary>Whole-file operations on chunks that metadata operations need; implemented by the storage client and by test doubles.</summary>
public interface IFileChunks
{
    /// <summary>The exact end of the file: length by the last chunk over all its chains.</summary>
    ValueTask<Result<long>> QueryLengthAsync(InodeId inode, Layout layout, CancellationToken ct);

    /// <summary>
    /// Makes bytes behind <paramref name="length"/> cease to exist. Idempotent. Nothing is tried twice: after any failure the
    /// caller looks whether its order still stands and makes a new one.
    /// </summary>
    ValueTask<Status> TruncateAsync(InodeId inode, Layout layout, long length, CutOrder order, CancellationToken ct);

    /// <summary>Removes every chunk. Idempotent.</summary>
    ValueTask<Status> RemoveAsync(InodeId inode, Layout layout, CancellationToken ct);

    /// <summary>Sum over the storage nodes that answer.</summary>
    ValueTask<Result<FileSystemSpace>> SpaceAsync(CancellationToken ct);
}
