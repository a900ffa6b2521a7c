using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Posix;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>
/// unlink(2): takes a name from anything but a directory. A session given is registered as a reader's, also while other names are
/// left, because somebody else may take the last one: who gave it ends it.
/// </summary>
internal sealed class Unlink(InodeId parent, FileName name, SessionId? keepOpenFor, TimeSpan garbageDelay) : IMutation
{
    public async ValueTask<Result<Outcome>> RunAsync(MetaTransaction tx)
    {
        var found = await EntryLookup.FindExistingAsync(tx, parent, name);
        if (!found.IsOk) return found.Status;
        var (directory, inode) = (found.Value.Parent, found.Value.Inode!);
        var status = Permissions.CheckRemoveFrom(tx.User, directory, inode);
        if (!status.IsOk) return status;
        if (inode.Type == InodeType.Directory) return StatusCode.IsDirectory;
        tx.RemoveDentry(parent, name);
        tx.EntryChanged(parent);
        var collectAt = new FileTime(tx.Now.Nanoseconds + garbageDelay.Ticks * 100);
        var after = NameRemoval.DropName(tx, inode, collectAt, keepOpenFor is not null);
        if (keepOpenFor is { } session) tx.PutSession(inode.Id, session, canWrite: false);
        return new Outcome(after);
    }
}
