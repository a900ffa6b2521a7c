using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Posix;
using ThreeFs.Meta.Records;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>
/// rename(2) and renameat2(2): moves a name, replaces what had the new one, or exchanges two. Two names of one inode: nothing
/// happens. A directory never gets below itself: every ancestor of its new place joins the transaction's conflicts, so that two
/// moves which together would make a ring cannot both commit. Outcome: the moved inode, and the replaced one as it is
/// after its removal.
/// </summary>
internal sealed class Rename(
    InodeId parent, FileName name, InodeId newParent, FileName newName, RenameFlags flags, TimeSpan garbageDelay) : IMutation
{
    private const int MaxDepth = 100_000;

    private bool Exchanges => (flags & RenameFlags.Exchange) != 0;
    private bool ChangesParent => parent != newParent;

    public async ValueTask<Result<Outcome>> RunAsync(MetaTransaction tx)
    {
        if ((flags & ~(RenameFlags.NoReplace | RenameFlags.Exchange)) != 0 || flags == (RenameFlags.NoReplace | RenameFlags.Exchange))
            return new Status(StatusCode.InvalidArgument, $"rename flags {flags} do not go together");
        var from = await EntryLookup.FindExistingAsync(tx, parent, name);
        if (!from.IsOk) return from.Status;
        var to = await EntryLookup.FindAsync(tx, newParent, newName, Names.CheckExisting);
        if (!to.IsOk) return to.Status;
        var source = from.Value.Inode!;
        var target = to.Value.Inode;
        if (target is not null && (flags & RenameFlags.NoReplace) != 0) return StatusCode.AlreadyExists;
        if (target is null && Exchanges) return StatusCode.NotFound;
        if (target?.Id == source.Id) return await ReportAsync(tx, source, null);

        var status = CheckPermissions(tx.User, from.Value.Parent, source, to.Value.Parent, target);
        if (status.IsOk) status = await CheckNoRingAsync(tx, source, target);
        if (!status.IsOk) return status;
        return Exchanges
            ? await ExchangeAsync(tx, source, target!)
            : await MoveAsync(tx, source, target);
    }

    private Status CheckPermissions(UserInfo user, InodeAttr fromParent, InodeAttr source, InodeAttr toParent, InodeAttr? target)
    {
        var status = Permissions.CheckRemoveFrom(user, fromParent, source);
        if (!status.IsOk) return status;
        status = target is null
            ? EntryLookup.CheckCreate(user, toParent)
            : Permissions.CheckRemoveFrom(user, toParent, target);
        if (!status.IsOk) return status;
        if (target is not null && !Exchanges && IsDirectory(source) != IsDirectory(target))
            return IsDirectory(source) ? StatusCode.NotDirectory : StatusCode.IsDirectory;
        if (!ChangesParent) return Status.Ok;

        // Its ".." is rewritten, which is a write to the directory itself.
        if (IsDirectory(source)) status = Permissions.Check(user, source, AccessMode.Write);
        if (status.IsOk && Exchanges && IsDirectory(target!)) status = Permissions.Check(user, target!, AccessMode.Write);
        return status;
    }

    private async ValueTask<Status> CheckNoRingAsync(MetaTransaction tx, InodeAttr source, InodeAttr? target)
    {
        if (!ChangesParent) return Status.Ok;
        if (IsDirectory(source))
        {
            var status = await CheckNotBelowAsync(tx, newParent, source.Id);
            if (!status.IsOk) return status;
        }

        return Exchanges && IsDirectory(target!) ? await CheckNotBelowAsync(tx, parent, target!.Id) : Status.Ok;
    }

    private static async ValueTask<Status> CheckNotBelowAsync(MetaTransaction tx, InodeId place, InodeId moved)
    {
        for (var depth = 0; depth < MaxDepth; depth++)
        {
            if (place == moved) return new Status(StatusCode.InvalidArgument, "a directory cannot be moved below itself");
            if (place == InodeId.Root) return Status.Ok;
            var inode = await tx.InodeAsync(place);
            if (!inode.TryGet(out var directory)) return inode.Status;
            if ((directory.Flags & InodeRecord.Detached) != 0) return new Status(StatusCode.NotFound, "the new place has been removed");
            place = directory.Parent;
        }

        return new Status(StatusCode.Corruption, $"the directories above {moved} form a ring");
    }

    private async ValueTask<Result<Outcome>> MoveAsync(MetaTransaction tx, InodeAttr source, InodeAttr? target)
    {
        InodeAttr? replaced = null;
        if (target is not null && IsDirectory(target))
        {
            var status = await NameRemoval.CheckEmptyAsync(tx, target.Id);
            if (!status.IsOk) return status;
            replaced = NameRemoval.DropDirectory(tx, target);
        }
        else if (target is not null)
        {
            replaced = NameRemoval.DropName(tx, target, new FileTime(tx.Now.Nanoseconds + garbageDelay.Ticks * 100));
        }

        tx.RemoveDentry(parent, name);
        var moved = Place(tx, source, newParent, newName);
        var lost = target is not null && IsDirectory(target) ? 1 : 0;
        CountSubdirectories(tx, fromGain: -Weight(source), toGain: Weight(source) - lost);
        return await ReportAsync(tx, moved, replaced);
    }

    private async ValueTask<Result<Outcome>> ExchangeAsync(MetaTransaction tx, InodeAttr source, InodeAttr target)
    {
        var moved = Place(tx, source, newParent, newName);
        Place(tx, target, parent, name);
        var gain = Weight(source) - Weight(target);
        CountSubdirectories(tx, fromGain: -gain, toGain: gain);
        return await ReportAsync(tx, moved, null);
    }

    private static InodeAttr Place(MetaTransaction tx, InodeAttr inode, InodeId parent, FileName name)
    {
        inode = inode with { ChangeTime = tx.Now, Parent = IsDirectory(inode) ? parent : inode.Parent };
        tx.PutInode(inode);
        tx.PutDentry(parent, name, inode);
        return inode;
    }

    private void CountSubdirectories(MetaTransaction tx, int fromGain, int toGain)
    {
        if (!ChangesParent)
        {
            tx.EntryChanged(parent, fromGain + toGain);
            return;
        }

        tx.EntryChanged(parent, fromGain);
        tx.EntryChanged(newParent, toGain);
    }

    private static async ValueTask<Result<Outcome>> ReportAsync(MetaTransaction tx, InodeAttr moved, InodeAttr? replaced)
    {
        var complete = await tx.CompleteAsync(moved);
        return complete.TryGet(out var attr) ? new Outcome(attr, replaced) : complete.Status;
    }

    private static bool IsDirectory(InodeAttr inode) => inode.Type == InodeType.Directory;

    private static int Weight(InodeAttr inode) => IsDirectory(inode) ? 1 : 0;
}
