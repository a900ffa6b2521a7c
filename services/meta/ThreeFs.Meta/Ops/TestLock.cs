using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Transactions;

namespace ThreeFs.Meta.Ops;

/// <summary>F_GETLK: the first lock that stands in the way of the one asked about, if any.</summary>
internal sealed class TestLock(InodeId inode, LockRequest request) : IQuery<FileLock?>
{
    public async ValueTask<Result<FileLock?>> RunAsync(MetaTransaction tx)
    {
        var status = Check(request);
        if (!status.IsOk) return status;
        var held = await tx.LocksAsync(inode, request.Kind);
        return held.TryGet(out var set) ? set.ConflictWith(tx.Client, request) : held.Status;
    }

    public static Status Check(LockRequest request) =>
        request.Kind is LockKind.Posix or LockKind.Flock
        && request.Type is LockType.None or LockType.Shared or LockType.Exclusive
        && request.Start >= 0 && request.Start <= request.End
            ? Status.Ok
            : new Status(StatusCode.InvalidArgument, $"{request} is not a lock");
}
