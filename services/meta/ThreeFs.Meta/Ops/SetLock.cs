using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Records;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>
/// F_SETLK and flock(2) with LOCK_NB. Outcome: the inode, and the flag when the lock was set or given back. A refusal is remembered for
/// repeated requests like a success: otherwise a repeated one could set a lock after its client was told that it has none.
/// Waiting is the client's: it asks until nothing stands in the way.
/// </summary>
internal sealed class SetLock(InodeId inode, LockRequest request) : IMutation
{
    public async ValueTask<Result<Outcome>> RunAsync(MetaTransaction tx)
    {
        var status = TestLock.Check(request);
        if (!status.IsOk) return status;
        var found = await tx.InodeAsync(inode);
        if (!found.TryGet(out var file)) return found.Status;
        if (request.Type != LockType.None && (file.Flags & InodeRecord.Collecting) != 0)
            return new Status(StatusCode.StaleHandle, $"the content of inode {inode} is already being removed");
        var held = await tx.LocksAsync(inode, request.Kind);
        if (!held.TryGet(out var before)) return held.Status;
        if (before.ConflictWith(tx.Client, request) is not null) return new Outcome(InodeRecord.Public(file));
        var after = before.With(tx.Client, request, tx.Now);
        if (after.Locks.Length > LockRecord.MaxLocks && after.Locks.Length > before.Locks.Length)
            return new Status(StatusCode.TooManyLocks, $"inode {inode} carries {before.Locks.Length} locks, as many as it may");
        tx.PutLocks(inode, request.Kind, after);
        return new Outcome(InodeRecord.Public(file), Flag: true);
    }
}
