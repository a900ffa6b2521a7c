using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Posix;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>link(2): another name for anything but a directory. A symlink itself is linked, not what it points to.</summary>
internal sealed class Link(InodeId inode, InodeId newParent, FileName newName) : IMutation
{
    public async ValueTask<Result<Outcome>> RunAsync(MetaTransaction tx)
    {
        var found = await tx.InodeAsync(inode);
        if (!found.TryGet(out var record)) return found.Status;
        var free = await EntryLookup.FindFreeAsync(tx, newParent, newName);
        if (!free.IsOk) return free.Status;
        if (Permissions.IsFrozen(record)) return new Status(StatusCode.NotPermitted, $"inode {inode} is immutable or append-only");
        if (record.Type == InodeType.Directory) return new Status(StatusCode.NotPermitted, "directories have one name only");
        if (record.LinkCount == 0) return new Status(StatusCode.NotFound, $"inode {inode} has been removed");
        if (record.LinkCount >= PosixLimits.MaxLinks) return StatusCode.TooManyLinks;
        record = record with { LinkCount = record.LinkCount + 1, ChangeTime = tx.Now };
        tx.PutInode(record);
        tx.PutDentry(newParent, newName, record);
        tx.EntryChanged(newParent);
        return new Outcome(Records.InodeRecord.Public(record));
    }
}
