using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Records;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>Registers a reader's session, so that the file outlives its last name until the reader is done.</summary>
internal sealed class KeepOpen(InodeId inode, SessionId session)
{
    public async ValueTask<Result<bool>> RunAsync(MetaTransaction tx)
    {
        var found = await tx.InodeAsync(inode);
        if (!found.TryGet(out var record)) return found.Status;
        if ((record.Flags & InodeRecord.Collecting) != 0)
            return new Status(StatusCode.StaleHandle, $"the content of inode {inode} is already being removed");
        tx.PutSession(inode, session, canWrite: false);
        return true;
    }
}
