using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Records;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>What happens to an inode that loses a name; shared by unlink, rename and the collector.</summary>
internal static class NameRemoval
{
    /// <summary>
    /// A non-directory with one name less. A file without names waits for the collector; anything else has no content and
    /// goes at once, unless somebody keeps it open.
    /// </summary>
    /// <returns>The inode afterwards, link count 0 when this was the last name.</returns>
    public static InodeAttr DropName(MetaTransaction tx, InodeAttr inode, FileTime collectAt, bool keptOpen = false)
    {
        inode = inode with { LinkCount = inode.LinkCount - 1, ChangeTime = tx.Now };
        if (inode.LinkCount > 0)
        {
            tx.PutInode(inode);
        }
        else if (inode.Type == InodeType.File || keptOpen)
        {
            tx.PutInode(inode);
            tx.PutGarbage(collectAt, inode.Id, GarbageKind.File);
        }
        else
        {
            tx.DeleteInode(inode);
        }

        return InodeRecord.Public(inode);
    }

    /// <summary>An empty directory loses its only name.</summary>
    public static InodeAttr DropDirectory(MetaTransaction tx, InodeAttr directory)
    {
        tx.DeleteInode(directory);
        return InodeRecord.Public(directory with { LinkCount = 0, ChangeTime = tx.Now });
    }

    /// <summary>Whether the directory is empty; the answer holds when the transaction commits.</summary>
    public static async ValueTask<Status> CheckEmptyAsync(MetaTransaction tx, InodeId directory)
    {
        var any = await tx.HasEntriesAsync(directory);
        if (!any.IsOk) return any.Status;
        return any.Value ? StatusCode.NotEmpty : Status.Ok;
    }
}
