using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Posix;
using ThreeFs.Meta.Records;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>
/// open(2) of an inode that exists; also of one that has lost its last name, as long as its content is kept (a descriptor opened
/// again through /proc). Opening for writing registers a session; truncation comes with it in one step.
/// </summary>
internal sealed class Open(InodeId inode, OpenFlags flags, SessionId session, Cut? cut) : IMutation
{
    public static bool Changes(OpenFlags flags) => (flags & (OpenFlags.Write | OpenFlags.Truncate)) != 0;

    public async ValueTask<Result<Outcome>> RunAsync(MetaTransaction tx)
    {
        var found = await new OpenCheck(inode, flags).RunAsync(tx);
        if (!found.TryGet(out var record)) return found.Status;
        if ((flags & OpenFlags.Truncate) != 0)
        {
            var empty = await FileCut.ApplyAsync(tx, record, 0, cut);
            if (!empty.TryGet(out record)) return empty.Status;
            tx.PutInode(record);
        }

        if ((flags & OpenFlags.Write) != 0) tx.PutSession(inode, session, flags);
        return new Outcome(InodeRecord.Public(record));
    }
}

/// <summary>Whether the inode may be opened like this; answers its record.</summary>
internal sealed class OpenCheck(InodeId inode, OpenFlags flags) : IQuery<InodeAttr>
{
    public async ValueTask<Result<InodeAttr>> RunAsync(MetaTransaction tx)
    {
        var found = await tx.InodeAsync(inode);
        if (!found.TryGet(out var record)) return found;
        var status = Check(tx.User, record, flags);
        return status.IsOk ? found : status;
    }

    public static Status Check(UserInfo user, InodeAttr inode, OpenFlags flags)
    {
        if (inode.Type == InodeType.Symlink) return StatusCode.TooManySymlinks;
        if ((inode.Flags & InodeRecord.Collecting) != 0) return new Status(StatusCode.NotFound, $"inode {inode.Id} has been removed");
        if ((flags & OpenFlags.Named) != 0 && inode is { LinkCount: 0, Type: not InodeType.Directory })
            return new Status(StatusCode.StaleHandle, $"inode {inode.Id} has no name any more");
        var changes = Open.Changes(flags);
        if (inode.Type == InodeType.Directory && changes) return StatusCode.IsDirectory;
        if (inode.Type != InodeType.File && (flags & OpenFlags.Truncate) != 0) return StatusCode.InvalidArgument;
        var want = (flags & OpenFlags.Read) != 0 ? AccessMode.Read : AccessMode.None;
        if (changes) want |= AccessMode.Write;
        var status = Permissions.Check(user, inode, want);
        if (!status.IsOk) return status;
        var rewrites = (flags & OpenFlags.Truncate) != 0 || (flags & (OpenFlags.Write | OpenFlags.Append)) == OpenFlags.Write;
        return rewrites && (inode.Flags & InodeFlags.AppendOnly) != 0
            ? new Status(StatusCode.NotPermitted, $"inode {inode.Id} is append-only")
            : Status.Ok;
    }
}

/// <summary>An open that changes nothing: the check, and the inode as callers see it.</summary>
internal sealed class OpenForReading(InodeId inode, OpenFlags flags) : IQuery<InodeAttr>
{
    public async ValueTask<Result<InodeAttr>> RunAsync(MetaTransaction tx)
    {
        var found = await new OpenCheck(inode, flags).RunAsync(tx);
        return found.TryGet(out var record) ? await tx.CompleteAsync(record) : found;
    }
}
