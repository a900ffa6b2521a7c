using ThreeFs.Base;
using ThreeFs.Contracts.Meta;

namespace ThreeFs.Meta.Posix;

/// <summary>
/// xattr(7): "user." on files and directories with the permissions of their content, and in sticky directories for the owner
/// only; "trusted." for root, invisible to others; "security." readable by all and set by root. Nothing else is kept.
/// </summary>
internal static class XattrRules
{
    public static Status CheckRead(UserInfo user, InodeAttr inode, FileName name)
    {
        var status = CheckName(name);
        if (!status.IsOk) return status;
        if (IsTrusted(name)) return user.IsRoot ? Status.Ok : StatusCode.NoSuchAttribute;
        if (!IsUser(name)) return Status.Ok;
        return CarriesUser(inode) ? Permissions.Check(user, inode, AccessMode.Read) : StatusCode.NoSuchAttribute;
    }

    public static Status CheckWrite(UserInfo user, InodeAttr inode, FileName name)
    {
        var status = CheckName(name);
        if (!status.IsOk) return status;
        if (Permissions.IsFrozen(inode)) return new Status(StatusCode.NotPermitted, $"inode {inode.Id} is immutable or append-only");
        if (!IsUser(name)) return user.IsRoot ? Status.Ok : StatusCode.NotPermitted;
        if (!CarriesUser(inode)) return StatusCode.NotPermitted;
        var sticky = inode.Type == InodeType.Directory && (inode.Mode & Mode.Sticky) != 0;
        if (sticky && !Permissions.IsOwner(user, inode)) return StatusCode.NotPermitted;
        return Permissions.Check(user, inode, AccessMode.Write);
    }

    public static bool IsListed(UserInfo user, FileName name) => user.IsRoot || !IsTrusted(name);

    private static Status CheckName(FileName name)
    {
        if (name.Bytes.Length > PosixLimits.MaxXattrName) return StatusCode.NameTooLong;
        if (name.Span.Contains((byte)0)) return StatusCode.InvalidArgument;
        if (name.Span.SequenceEqual("user."u8) || name.Span.SequenceEqual("trusted."u8)
            || name.Span.SequenceEqual("security."u8))
            return new Status(StatusCode.InvalidArgument, $"\"{name}\" lacks the attribute's own name");
        return IsUser(name) || IsTrusted(name) || IsSecurity(name)
            ? Status.Ok
            : new Status(StatusCode.NotSupported, $"attributes like \"{name}\" are not kept");
    }

    private static bool IsUser(FileName name) => Has(name, "user."u8);
    private static bool IsTrusted(FileName name) => Has(name, "trusted."u8);
    private static bool IsSecurity(FileName name) => Has(name, "security."u8);
    private static bool Has(FileName name, ReadOnlySpan<byte> prefix) => name.Bytes.Length > prefix.Length && name.Span.StartsWith(prefix);
    private static bool CarriesUser(InodeAttr inode) => inode.Type is InodeType.File or InodeType.Directory;
}
