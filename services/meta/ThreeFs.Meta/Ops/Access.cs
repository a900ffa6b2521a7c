using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Posix;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>access(2): whether the user may, without doing it.</summary>
internal sealed class Access(InodeId inode, AccessMode mode) : IQuery<bool>
{
    public async ValueTask<Result<bool>> RunAsync(MetaTransaction tx)
    {
        var found = await tx.InodeAsync(inode);
        if (!found.TryGet(out var record)) return found.Status;
        var status = Permissions.Check(tx.User, record, mode);
        return status.IsOk ? true : status;
    }
}
