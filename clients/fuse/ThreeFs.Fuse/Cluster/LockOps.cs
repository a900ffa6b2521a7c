using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Fuse.Protocol;
using ThreeFs.Fuse.Session;
using ThreeFs.Fuse.Tables;

namespace ThreeFs.Fuse.Cluster;

/// <summary>
/// fcntl(2) and flock(2) locks that hold between all mounts: the metadata service keeps them.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item><b>Locks order data.</b> What was written is reported before a lock is given back, and whoever gets a lock sees it: the
/// answer carries the inode, and the kernel forgets pages and length that are not of now.</item>
/// <item><b>Waiting</b> is asking again, at once when a lock of this mount changes, otherwise with growing pauses up to
/// 100 ms. There is no queue: who asks first after a release gets the lock. Any signal ends a wait. A ring of owners of
/// this mount gets EDEADLK; one through other mounts waits until somebody is interrupted.</item>
/// <item><b>Giving back</b> happens when the owner closes any descriptor of the file (fcntl) or the last one of the open file
/// (flock, F_OFD_SETLK); what does not get through then is repeated in the background. Of a mount that dies, the
/// metadata servers give back the locks when its session has ended.</item>
/// <item>A request that may have set a lock is never given up before its answer, or the owner would hold what it does not know
/// of: an interrupted caller leaves it behind, and later requests for the inode wait for it.</item>
/// </list>
/// </remarks>
internal sealed class LockOps(ClusterContext context, LengthReporter reporter)
{
    /// <summary>Waiting requests, which hold slots that an unlock needs too.</summary>
    private const int MaxWaiting = 1024;

    private static readonly TimeSpan _firstPause = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan _longestPause = TimeSpan.FromMilliseconds(100);

    /// <summary>An interrupted caller still gets an answer that comes within this.</summary>
    private static readonly TimeSpan _grace = TimeSpan.FromSeconds(1);

    private readonly LockWaits _waits = new();
    private int _waiting;

    public async ValueTask<Errno> GetAsync(FuseRequest request, FuseLockIn a)
    {
        if (context.Files.Find(a.Handle) is not { } file) return Errno.EBADF;
        if (!TryRead(a, out var wanted)) return Errno.EINVAL;
        var tested = await context.Meta.TestLockAsync(context.Self(), file.Inode.Id, wanted, request.Cancellation);
        if (!tested.IsOk) return context.FailInode(request, tested.Status);
        if (tested.Value is not { } held) return request.Reply(new FuseLockOut { Lock = a.Lock with { Type = FuseFileLock.Unlock } });
        return request.Reply(new FuseLockOut
        {
            Lock = new FuseFileLock
            {
                Start = (ulong)held.Start,
                End = (ulong)held.End,
                Type = held.Type == LockType.Exclusive ? FuseFileLock.Write : FuseFileLock.Read,

                // A process of another mount has no number here.
                Pid = held.Client == context.Client ? held.Pid : uint.MaxValue,
            },
        });
    }

    public async ValueTask<Errno> SetAsync(FuseRequest request, FuseLockIn a, bool waits)
    {
        if (context.Files.Find(a.Handle) is not { } file) return Errno.EBADF;
        if (!TryRead(a, out var wanted)) return Errno.EINVAL;
        var locks = context.Locks.Enter(file.Inode.Id);
        try
        {
            if (wanted.Type == LockType.None) return await GiveBackAsync(request, file, locks, wanted, a.Handle);
            var result = await TryTakeAsync(request, file, locks, wanted, a.Handle);
            return result == Errno.EAGAIN && waits
                ? await WaitAsync(request, file, locks, wanted, a.Handle)
                : result;
        }
        finally
        {
            context.Locks.Leave(locks);
        }
    }

    /// <summary>A process has closed a descriptor of the file: its fcntl(2) locks are gone, whichever descriptor set them.</summary>
    public async ValueTask ProcessClosedAsync(FuseRequest request, InodeId inode, ulong number)
    {
        if (context.Locks.EnterIfAny(inode) is not { } locks) return;
        try
        {
            var owner = new LockOwner(LockKind.Posix, number);
            if (locks.MayHold(owner)) await ReleaseAsync(locks, owner, request.Cancellation);
        }
        finally
        {
            context.Locks.Leave(locks);
        }
    }

    /// <summary>The last descriptor of an open file is gone, and with it what the open file owned.</summary>
    public async ValueTask FileClosedAsync(InodeId inode, ulong handle)
    {
        if (context.Locks.EnterIfAny(inode) is not { } locks) return;
        try
        {
            foreach (var owner in locks.OwnersThrough(handle)) await ReleaseAsync(locks, owner, CancellationToken.None);
        }
        finally
        {
            context.Locks.Leave(locks);
        }
    }

    /// <summary>One round of giving back what did not get through before.</summary>
    public async Task RunOnceAsync(CancellationToken ct)
    {
        foreach (var locks in context.Locks.EnterAllClosed())
        {
            try
            {
                foreach (var owner in locks.AllClosed()) await ReleaseAsync(locks, owner, ct);
            }
            finally
            {
                context.Locks.Leave(locks);
            }
        }
    }

    private async ValueTask<Errno> GiveBackAsync(
        FuseRequest request, OpenFile file, InodeLocks locks, LockRequest wanted, ulong handle)
    {
        var owner = new LockOwner(wanted.Kind, wanted.Owner);
        if (!locks.MayHold(owner)) return Errno.Ok;
        var reported = await reporter.ReportAsync(file.Inode, file.User, request.Cancellation);
        if (!reported.IsOk) return context.Fail(request, reported);
        var answer = await AskAsync(locks, wanted, handle, request.Cancellation);
        return answer.IsOk ? Errno.Ok : context.FailInode(request, answer.Status);
    }

    /// <summary>EAGAIN when another owner's lock stands in the way.</summary>
    private async ValueTask<Errno> TryTakeAsync(
        FuseRequest request, OpenFile file, InodeLocks locks, LockRequest wanted, ulong handle)
    {
        var asked = context.Now;
        var answer = await AskAsync(locks, wanted, handle, request.Cancellation);
        if (!answer.TryGet(out var result)) return context.FailInode(request, answer.Status);
        if (!result.Granted) return Errno.EAGAIN;
        if (result.Attr is { } attr)
        {
            file.Inode.Merge(attr, asked);
            if (file.Inode.IsKernelBehind) await request.Session.ForgetContentAsync(request.Node);
        }

        return Errno.Ok;
    }

    private async ValueTask<Errno> WaitAsync(
        FuseRequest request, OpenFile file, InodeLocks locks, LockRequest wanted, ulong handle)
    {
        var ct = request.Cancellation;
        var ticket = request.Unique;
        try
        {
            if (Interlocked.Increment(ref _waiting) > MaxWaiting) return Errno.ENOLCK;
            var pause = _firstPause;
            while (true)
            {
                // Taken before the question: a change that comes after it is not missed.
                var changed = locks.Changed;
                var tested = await context.Meta.TestLockAsync(context.Self(), locks.Id, wanted, ct);
                if (!tested.IsOk) return context.FailInode(request, tested.Status);
                if (tested.Value is not { } blocker)
                {
                    var result = await TryTakeAsync(request, file, locks, wanted, handle);
                    if (result != Errno.EAGAIN) return result;
                    continue;
                }

                if (!MayWaitFor(ticket, wanted, blocker)) return Errno.EDEADLK;
                await Task.WhenAny(changed, Task.Delay(pause, context.Time, ct));
                ct.ThrowIfCancellationRequested();
                pause = pause * 2 > _longestPause ? _longestPause : pause * 2;
            }
        }
        finally
        {
            _waits.Done(ticket);
            Interlocked.Decrement(ref _waiting);
        }
    }

    private bool MayWaitFor(ulong ticket, LockRequest wanted, FileLock blocker)
    {
        if (wanted.Kind == LockKind.Posix && blocker.Client == context.Client)
            return _waits.TryWait(ticket, wanted.Owner, blocker.Owner);
        _waits.Done(ticket);
        return true;
    }

    /// <summary>Gives everything of an owner back. What fails is left to <see cref="RunOnceAsync"/>.</summary>
    private async ValueTask ReleaseAsync(InodeLocks locks, LockOwner owner, CancellationToken ct)
    {
        locks.Closed(owner);
        try
        {
            await locks.Turn.WaitAsync(ct);
        }
        catch (OperationCanceledException)
        {
            return;
        }

        try
        {
            var status = await ReleaseInTurnAsync(locks, owner, ct);
            if (!status.IsOk && !ct.IsCancellationRequested) Log.UnlockFailed(context.Log, locks.Id, status);
        }
        finally
        {
            locks.Turn.Release();
        }
    }

    /// <summary>The answer, or Cancelled when the caller cannot wait for it any longer.</summary>
    private async ValueTask<Result<LockAnswer>> AskAsync(
        InodeLocks locks, LockRequest wanted, ulong handle, CancellationToken ct)
    {
        await locks.Turn.WaitAsync(ct);
        var asking = AskInTurnAsync(locks, wanted, handle);
        try
        {
            return await asking.WaitAsync(ct);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            await Task.WhenAny(asking, Task.Delay(_grace, context.Time, CancellationToken.None));
            return asking.IsCompletedSuccessfully ? asking.Result : StatusCode.Cancelled;
        }
    }

    /// <summary>Ends the turn, however long after its caller.</summary>
    private async Task<Result<LockAnswer>> AskInTurnAsync(InodeLocks locks, LockRequest wanted, ulong handle)
    {
        var user = context.Locks.Enter(locks.Id);
        try
        {
            var owner = new LockOwner(wanted.Kind, wanted.Owner);
            if (locks.IsClosed(owner))
            {
                var released = await ReleaseInTurnAsync(locks, owner, CancellationToken.None);
                if (!released.IsOk) return released;
            }

            locks.Asks(owner, handle);
            var answer = await context.Meta.SetLockAsync(context.Self(), locks.Id, wanted, CancellationToken.None);
            if (answer is { IsOk: true, Value.Granted: true })
            {
                if (wanted is { Type: LockType.None, Start: 0, End: long.MaxValue }) locks.Released(owner);
                locks.SignalChanged();
            }

            return answer;
        }
        finally
        {
            locks.Turn.Release();
            context.Locks.Leave(user);
        }
    }

    private async ValueTask<Status> ReleaseInTurnAsync(InodeLocks locks, LockOwner owner, CancellationToken ct)
    {
        var all = LockRequest.ReleaseAll(owner.Kind, owner.Number);
        var released = await context.Meta.SetLockAsync(context.Self(), locks.Id, all, ct);

        // An inode that is gone carries no locks.
        if (!released.IsOk && released.Code != StatusCode.NotFound) return released.Status;
        locks.Released(owner);
        locks.SignalChanged();
        return Status.Ok;
    }

    private static bool TryRead(in FuseLockIn a, out LockRequest wanted)
    {
        LockType? type = a.Lock.Type switch
        {
            FuseFileLock.Read => LockType.Shared,
            FuseFileLock.Write => LockType.Exclusive,
            FuseFileLock.Unlock => LockType.None,
            _ => null,
        };
        var kind = (a.Flags & FuseLockIn.Flock) != 0 ? LockKind.Flock : LockKind.Posix;
        wanted = new LockRequest(kind, a.Owner, type ?? LockType.None, (long)a.Lock.Start, (long)a.Lock.End, a.Lock.Pid);
        return type is not null && wanted.Start >= 0 && wanted.Start <= wanted.End;
    }
}
