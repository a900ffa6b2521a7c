using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Allocation;
using ThreeFs.Meta.Posix;
using ThreeFs.Meta.Records;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>
/// open(2) with O_CREAT: makes a regular file and opens it, whatever its mode; or opens the one that is there. Outcome: the
/// inode, and the flag when it was made here. An existing file that is to be truncated is only found; opening it is a
/// step of its own, because its chunks go first.
/// </summary>
internal sealed class Create(
    InodeId parent, FileName name, InodeDraft draft, OpenFlags flags, SessionId session, CancellationToken ct) : IMutation
{
    public async ValueTask<Result<Outcome>> RunAsync(MetaTransaction tx)
    {
        var found = await EntryLookup.FindAsync(tx, parent, name, Names.CheckNew);
        if (!found.IsOk) return found.Status;
        if (found.Value.Inode is { } existing) return OpenExisting(tx, existing);
        var status = EntryLookup.CheckCreate(tx.User, found.Value.Parent);
        if (!status.IsOk) return status;
        if (draft.Type != InodeType.File) return new Status(StatusCode.InvalidArgument, "only regular files are created and opened");
        var made = await draft.MakeAsync(tx, found.Value.Parent, ct);
        if (!made.TryGet(out var inode)) return made.Status;
        MakeNode.Add(tx, parent, name, inode);
        if ((flags & OpenFlags.Write) != 0) tx.PutSession(inode.Id, session, flags);
        return new Outcome(inode, Flag: true);
    }

    private Result<Outcome> OpenExisting(MetaTransaction tx, InodeAttr existing)
    {
        if ((flags & OpenFlags.Exclusive) != 0) return StatusCode.AlreadyExists;
        if (existing.Type == InodeType.Directory) return StatusCode.IsDirectory;

        // The caller looked and saw nothing; what appeared since has to be looked up, followed or opened in its own way.
        if (existing.Type != InodeType.File) return new Status(StatusCode.StaleHandle, $"\"{name}\" has become a {existing.Type}");
        var status = OpenCheck.Check(tx.User, existing, flags);
        if (!status.IsOk) return status;
        if ((flags & OpenFlags.Truncate) == 0 && (flags & OpenFlags.Write) != 0) tx.PutSession(existing.Id, session, flags);
        return new Outcome(InodeRecord.Public(existing));
    }
}
