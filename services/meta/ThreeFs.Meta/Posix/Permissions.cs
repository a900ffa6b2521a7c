using ThreeFs.Base;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Meta.Posix;

/// <summary>
/// Who may do what, as Linux decides it. Pure. Exactly one class of bits counts: the owner's, else the group's, else
/// the others'. Root passes all but two: an immutable inode takes no write from anybody, and a file without any execute bit is
/// not executable.
/// </summary>
internal static class Permissions
{
    /// <summary>EACCES for missing bits, EPERM for a write to something immutable.</summary>
    public static Status Check(UserInfo user, InodeAttr inode, AccessMode want)
    {
        if ((want & AccessMode.Write) != 0 && (inode.Flags & InodeFlags.Immutable) != 0)
            return new Status(StatusCode.NotPermitted, $"inode {inode.Id} is immutable");
        return Allows(user, inode, want) ? Status.Ok : StatusCode.AccessDenied;
    }

    private static bool Allows(UserInfo user, InodeAttr inode, AccessMode want)
    {
        if (user.IsRoot)
        {
            return (want & AccessMode.Execute) == 0 || inode.Type == InodeType.Directory || (inode.Mode & Mode.AnyExecute) != 0;
        }

        var shift = user.Uid == inode.Uid ? 6 : user.InGroup(inode.Gid) ? 3 : 0;
        var granted = (AccessMode)((inode.Mode >> shift) & 7);
        return (granted & want) == want;
    }

    /// <summary>A new entry: the directory takes it.</summary>
    public static Status CheckCreateIn(UserInfo user, InodeAttr directory) =>
        Check(user, directory, AccessMode.Write | AccessMode.Execute);

    /// <summary>
    /// Taking an entry away: the directory gives it, is not append-only, and with the sticky bit only to the owner of entry or
    /// directory; what is immutable or append-only stays.
    /// </summary>
    public static Status CheckRemoveFrom(UserInfo user, InodeAttr directory, InodeAttr victim)
    {
        var status = Check(user, directory, AccessMode.Write | AccessMode.Execute);
        if (!status.IsOk) return status;
        if ((directory.Flags & InodeFlags.AppendOnly) != 0) return new Status(StatusCode.NotPermitted, "the directory is append-only");
        if (IsProtectedBySticky(user, directory, victim)) return new Status(StatusCode.NotPermitted, "the directory is sticky");
        return IsFrozen(victim) ? new Status(StatusCode.NotPermitted, $"inode {victim.Id} is immutable or append-only") : Status.Ok;
    }

    public static bool IsOwner(UserInfo user, InodeAttr inode) => user.IsRoot || user.Uid == inode.Uid;

    public static bool IsFrozen(InodeAttr inode) => (inode.Flags & (InodeFlags.Immutable | InodeFlags.AppendOnly)) != 0;

    /// <summary>
    /// The mode after somebody changed the content or the owner: set-user-id goes, set-group-id too where it means "execute
    /// as the group".
    /// </summary>
    public static uint WithoutPrivileges(uint mode)
    {
        mode &= ~Mode.SetUid;
        return (mode & Mode.GroupExecute) != 0 ? mode & ~Mode.SetGid : mode;
    }

    private static bool IsProtectedBySticky(UserInfo user, InodeAttr directory, InodeAttr victim) =>
        (directory.Mode & Mode.Sticky) != 0 && !user.IsRoot && user.Uid != directory.Uid && user.Uid != victim.Uid;
}
