using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>Makes the root directory when the store has none; any number of servers may do so at once.</summary>
internal static class Initialize
{
    public static async ValueTask<Result<bool>> RunAsync(MetaTransaction tx, Layout layout)
    {
        var root = await tx.InodeAsync(InodeId.Root);
        if (root.IsOk) return false;
        if (root.Code != StatusCode.NotFound) return root.Status;
        tx.CreateInode(new InodeAttr(
            InodeId.Root, InodeType.Directory, 0x1ED, 0, 0, 0, 0, tx.Now, tx.Now, tx.Now, default, 0, layout, default,
            Parent: InodeId.Root, InodeFlags.None));
        return true;
    }
}
