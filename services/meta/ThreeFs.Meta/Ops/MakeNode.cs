using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Allocation;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>mkdir(2), symlink(2), mknod(2): a new inode under a name that is free.</summary>
internal sealed class MakeNode(InodeId parent, FileName name, InodeDraft draft, CancellationToken ct) : IMutation
{
    public async ValueTask<Result<Outcome>> RunAsync(MetaTransaction tx)
    {
        var free = await EntryLookup.FindFreeAsync(tx, parent, name);
        if (!free.IsOk) return free.Status;
        var status = draft.Check(tx.User);
        if (!status.IsOk) return status;
        var made = await draft.MakeAsync(tx, free.Value, ct);
        if (!made.TryGet(out var inode)) return made.Status;
        Add(tx, parent, name, inode);
        return new Outcome(inode.Type == InodeType.Directory ? inode with { LinkCount = 2 } : inode);
    }

    /// <summary>Record, entry and the parent's counters of an inode that did not exist.</summary>
    public static void Add(MetaTransaction tx, InodeId parent, FileName name, InodeAttr inode)
    {
        tx.CreateInode(inode);
        tx.PutDentry(parent, name, inode);
        tx.EntryChanged(parent, inode.Type == InodeType.Directory ? 1 : 0);
    }
}
