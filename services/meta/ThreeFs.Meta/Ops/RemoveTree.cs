using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Posix;
using ThreeFs.Meta.Records;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>
/// Removes a directory with everything below in one step: its name goes, and the collector works off what hung on it. Whoever is not
/// root must own the directory and could have emptied every directory below; this is checked for the first directories found, up
/// to a limit, and not repeated when the collector gets there. An immutable directory among those refuses the whole.
/// </summary>
internal sealed class RemoveTree(InodeId parent, FileName name, int checkLimit) : IMutation
{
    private const AccessMode Everything = AccessMode.Read | AccessMode.Write | AccessMode.Execute;

    public async ValueTask<Result<Outcome>> RunAsync(MetaTransaction tx)
    {
        var found = await EntryLookup.FindExistingAsync(tx, parent, name);
        if (!found.IsOk) return found.Status;
        var (directory, victim) = (found.Value.Parent, found.Value.Inode!);
        var status = Permissions.CheckRemoveFrom(tx.User, directory, victim);
        if (!status.IsOk) return status;
        if (victim.Type != InodeType.Directory) return StatusCode.NotDirectory;
        if (!Permissions.IsOwner(tx.User, victim)) return new Status(StatusCode.NotPermitted, "only the owner removes a whole tree");
        status = await CheckBelowAsync(tx, victim);
        if (!status.IsOk) return status;
        tx.RemoveDentry(parent, name);
        tx.EntryChanged(parent, subdirectoriesGained: -1);
        tx.PutInode(victim with { Flags = victim.Flags | InodeRecord.Detached, ChangeTime = tx.Now });
        tx.PutGarbage(tx.Now, victim.Id, GarbageKind.Tree);
        return Outcome.Nothing;
    }

    private async ValueTask<Status> CheckBelowAsync(MetaTransaction tx, InodeAttr top)
    {
        var open = new Queue<InodeAttr>();
        open.Enqueue(top);
        for (var seen = 0; seen < checkLimit && open.TryDequeue(out var directory); seen++)
        {
            var status = Permissions.Check(tx.User, directory, Everything);
            if (!status.IsOk) return status;
            var range = MetaKeys.Dentries(directory.Id);
            var page = await tx.Kv.GetRangeAsync(range.Begin, range.End, limit: checkLimit, snapshot: true);
            if (!page.TryGet(out var rows)) return page.Status;
            foreach (var row in rows.Rows)
            {
                var dentry = DentryRecord.Decode(directory.Id, row.Value);
                if (!dentry.IsOk) return dentry.Status;
                if (dentry.Value.Type != InodeType.Directory) continue;
                var inode = await tx.InodeAsync(dentry.Value.Inode);
                if (!inode.TryGet(out var below)) return inode.Status;
                status = Permissions.CheckRemoveFrom(tx.User, directory, below);
                if (!status.IsOk) return status;
                open.Enqueue(below);
            }
        }

        return Status.Ok;
    }
}
