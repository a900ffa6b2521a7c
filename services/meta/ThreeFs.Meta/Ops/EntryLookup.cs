using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Posix;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>A name in a directory: the directory's record and, when the entry exists, the record it leads to.</summary>
internal readonly record struct EntryLookup(InodeAttr Parent, InodeAttr? Inode)
{
    /// <summary>Parent and entry, in the order of errors that Linux has: not a directory, not searchable, bad name.</summary>
    public static async ValueTask<Result<EntryLookup>> FindAsync(
        MetaTransaction tx, InodeId parent, FileName name, Func<FileName, Status> checkName)
    {
        var directory = await tx.SearchableAsync(parent);
        if (!directory.IsOk) return directory.Status;
        var status = checkName(name);
        if (!status.IsOk) return status;
        var dentry = await tx.DentryAsync(parent, name);
        if (!dentry.IsOk) return dentry.Status;
        if (dentry.Value is not { } entry) return new EntryLookup(directory.Value, null);
        var inode = await tx.InodeAsync(entry.Inode);
        if (inode.TryGet(out var record)) return new EntryLookup(directory.Value, record);
        return inode.Code == StatusCode.NotFound
            ? new Status(StatusCode.Corruption, $"entry \"{name}\" of {parent} leads to {entry.Inode}, which does not exist")
            : inode.Status;
    }

    /// <summary>The same for an entry that must be there.</summary>
    public static async ValueTask<Result<EntryLookup>> FindExistingAsync(MetaTransaction tx, InodeId parent, FileName name)
    {
        var found = await FindAsync(tx, parent, name, Names.CheckExisting);
        return found is { IsOk: true, Value.Inode: null } ? new Status(StatusCode.NotFound) : found;
    }

    /// <summary>A place for a new entry: nothing has the name, and the user may make it.</summary>
    public static async ValueTask<Result<InodeAttr>> FindFreeAsync(MetaTransaction tx, InodeId parent, FileName name)
    {
        var found = await FindAsync(tx, parent, name, Names.CheckNew);
        if (!found.IsOk) return found.Status;
        if (found.Value.Inode is not null) return StatusCode.AlreadyExists;
        var status = CheckCreate(tx.User, found.Value.Parent);
        return status.IsOk ? found.Value.Parent : status;
    }

    public static Status CheckCreate(UserInfo user, InodeAttr parent) =>
        (parent.Flags & Records.InodeRecord.Detached) != 0
            ? new Status(StatusCode.NotFound, $"directory {parent.Id} has been removed")
            : Permissions.CheckCreateIn(user, parent);
}
