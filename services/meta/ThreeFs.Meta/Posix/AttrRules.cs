using ThreeFs.Base;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Meta.Posix;

/// <summary>
/// Who may change which attribute, and what else changes with it; Linux's notify_change as two pure functions. The length is not
/// decided here.
/// </summary>
internal static class AttrRules
{
    private const SetAttrMask ExplicitTimes = SetAttrMask.AccessTime | SetAttrMask.ModifyTime;
    private const SetAttrMask TimesNow = SetAttrMask.AccessTimeNow | SetAttrMask.ModifyTimeNow;
    private const SetAttrMask Known = SetAttrMask.Mode | SetAttrMask.Uid | SetAttrMask.Gid | ExplicitTimes | TimesNow
        | SetAttrMask.Layout | SetAttrMask.Flags | SetAttrMask.Length;

    public static Status Check(UserInfo user, InodeAttr inode, AttrChange change)
    {
        if ((change.Mask & ~Known) != 0) return new Status(StatusCode.InvalidArgument, $"attributes {change.Mask} are not known");
        const SetAttrMask frozen = SetAttrMask.Mode | SetAttrMask.Uid | SetAttrMask.Gid | ExplicitTimes | SetAttrMask.Layout;
        if (Has(change, frozen) && Permissions.IsFrozen(inode))
            return new Status(StatusCode.NotPermitted, $"inode {inode.Id} is immutable or append-only");
        var isOwner = Permissions.IsOwner(user, inode);
        if (Has(change, SetAttrMask.Uid) && !user.IsRoot && (!isOwner || change.Uid != inode.Uid)) return StatusCode.NotPermitted;
        if (Has(change, SetAttrMask.Gid) && !MayGiveTo(user, isOwner, inode, change.Gid)) return StatusCode.NotPermitted;
        if (Has(change, SetAttrMask.Mode | ExplicitTimes) && !isOwner) return StatusCode.NotPermitted;
        if (Has(change, SetAttrMask.Flags)) return CheckFlags(user, change.Flags);
        if (Has(change, SetAttrMask.Layout)) return CheckLayout(user, inode, change.Layout);
        if (!Has(change, TimesNow)) return Status.Ok;
        if ((inode.Flags & InodeFlags.Immutable) != 0) return StatusCode.NotPermitted;
        return isOwner ? Status.Ok : Permissions.Check(user, inode, AccessMode.Write);
    }

    public static InodeAttr Apply(UserInfo user, InodeAttr inode, AttrChange change, FileTime now)
    {
        var uid = Has(change, SetAttrMask.Uid) ? change.Uid : inode.Uid;
        var gid = Has(change, SetAttrMask.Gid) ? change.Gid : inode.Gid;
        return inode with
        {
            Mode = NewMode(user, inode, change, gid),
            Uid = uid,
            Gid = gid,
            AccessTime = NewTime(change, SetAttrMask.AccessTime, SetAttrMask.AccessTimeNow, inode.AccessTime, change.AccessTime, now),
            ModifyTime = NewTime(change, SetAttrMask.ModifyTime, SetAttrMask.ModifyTimeNow, inode.ModifyTime, change.ModifyTime, now),
            ModifyTimeSetAt = Has(change, SetAttrMask.ModifyTimeNow) ? default
                : Has(change, SetAttrMask.ModifyTime) ? now : inode.ModifyTimeSetAt,
            ChangeTime = now,
            Layout = Has(change, SetAttrMask.Layout) ? change.Layout : inode.Layout,
            Flags = Has(change, SetAttrMask.Flags) ? (inode.Flags & Records.InodeRecord.Internal) | change.Flags : inode.Flags,
        };
    }

    private static bool MayGiveTo(UserInfo user, bool isOwner, InodeAttr inode, uint gid) =>
        user.IsRoot || (isOwner && (gid == inode.Gid || user.InGroup(gid)));

    private static Status CheckFlags(UserInfo user, InodeFlags flags)
    {
        if ((flags & ~(InodeFlags.Immutable | InodeFlags.AppendOnly)) != 0) return StatusCode.NotSupported;
        return user.IsRoot ? Status.Ok : new Status(StatusCode.NotPermitted, "only root makes inodes immutable or append-only");
    }

    private static Status CheckLayout(UserInfo user, InodeAttr inode, Layout? layout)
    {
        if (inode.Type != InodeType.Directory) return StatusCode.NotDirectory;
        if (layout is null) return new Status(StatusCode.InvalidArgument, "a layout to set is missing");
        return Permissions.IsOwner(user, inode) ? Status.Ok : StatusCode.NotPermitted;
    }

    private static uint NewMode(UserInfo user, InodeAttr inode, AttrChange change, uint gid)
    {
        if (Has(change, SetAttrMask.Mode))
        {
            var mode = change.Mode & Mode.All;
            return user.IsRoot || user.InGroup(gid) ? mode : mode & ~Mode.SetGid;
        }

        var changesOwner = Has(change, SetAttrMask.Uid | SetAttrMask.Gid) && inode.Type != InodeType.Directory;
        return changesOwner ? Permissions.WithoutPrivileges(inode.Mode) : inode.Mode;
    }

    private static FileTime NewTime(
        AttrChange change, SetAttrMask given, SetAttrMask isNow, FileTime old, FileTime wanted, FileTime now) =>
        Has(change, isNow) ? now : Has(change, given) ? wanted : old;

    private static bool Has(AttrChange change, SetAttrMask any) => (change.Mask & any) != 0;
}
