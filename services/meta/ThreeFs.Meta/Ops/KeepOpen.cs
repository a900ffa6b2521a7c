using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Records;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>
/// Registers a reader's session, so that the file outlives its last name until the reader is done. Remembered like any
/// mutation: a repetition that arrives when the session has ended must not bring it back.
/// </summary>
internal sealed class KeepOpen(InodeId inode, SessionId session) : IMutation
{
    public async ValueTask<Result<Outcome>> RunAsync(MetaTransaction tx)
    {
        var found = await tx.InodeAsync(inode);
        if (!found.TryGet(out var record)) return found.Status;
        if ((record.Flags & InodeRecord.Collecting) != 0)
            return new Status(StatusCode.StaleHandle, $"the content of inode {inode} is already being removed");
        tx.PutSession(inode, session, canWrite: false);
        return Outcome.Nothing;
    }
}
