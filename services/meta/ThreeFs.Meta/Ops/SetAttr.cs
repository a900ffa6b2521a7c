using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Allocation;
using ThreeFs.Meta.Posix;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>
/// chmod(2), chown(2), utimensat(2), truncate(2), chattr(1) and a directory's layout, in one step. Permissions are checked for all before
/// anything changes. A truncation needs write permission, or a descriptor open for writing at the same client: the permission
/// was checked when that was opened.
/// </summary>
internal sealed class SetAttr(InodeId inode, AttrChange change, Cut? cut) : IMutation
{
    public async ValueTask<Result<Outcome>> RunAsync(MetaTransaction tx)
    {
        var found = await new SetAttrCheck(inode, change).RunAsync(tx);
        if (!found.TryGet(out var record)) return found.Status;
        if (change.Mask == SetAttrMask.None) return await ReportAsync(tx, record);
        if (Has(SetAttrMask.Length))
        {
            var sized = await FileCut.ApplyAsync(tx, record, change.Length, cut);
            if (!sized.TryGet(out record)) return sized.Status;
        }

        record = AttrRules.Apply(tx.User, record, change, tx.Now);
        tx.PutInode(record);
        if (record.Type == InodeType.Directory && Has(SetAttrMask.ModifyTime | SetAttrMask.ModifyTimeNow)) tx.ForgetEntryChange(inode);
        return await ReportAsync(tx, record);
    }

    private bool Has(SetAttrMask any) => (change.Mask & any) != 0;

    private static async ValueTask<Result<Outcome>> ReportAsync(MetaTransaction tx, InodeAttr record)
    {
        var attr = await tx.CompleteAsync(record);
        return attr.IsOk ? new Outcome(attr.Value) : attr.Status;
    }
}

/// <summary>Whether the user may change all of it; answers the record.</summary>
internal sealed class SetAttrCheck(InodeId inode, AttrChange change) : IQuery<InodeAttr>
{
    public async ValueTask<Result<InodeAttr>> RunAsync(MetaTransaction tx)
    {
        var found = await tx.InodeAsync(inode);
        if (!found.TryGet(out var record)) return found;
        var status = AttrRules.Check(tx.User, record, change);
        if (status.IsOk && (change.Mask & SetAttrMask.Layout) != 0) status = LayoutAllocator.CheckTemplate(change.Layout!);
        if (status.IsOk && (change.Mask & SetAttrMask.Length) != 0) status = await CheckLengthAsync(tx, record);
        return status.IsOk ? found : status;
    }

    private async ValueTask<Status> CheckLengthAsync(MetaTransaction tx, InodeAttr file)
    {
        var status = FileCut.Check(file, change.Length);
        if (!status.IsOk) return status;
        status = Permissions.Check(tx.User, file, AccessMode.Write);
        if (status.Code != StatusCode.AccessDenied) return status;
        var writes = await tx.ClientWritesAsync(inode);
        if (!writes.IsOk) return writes.Status;
        return writes.Value ? Status.Ok : status;
    }
}
