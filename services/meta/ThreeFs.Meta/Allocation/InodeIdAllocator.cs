using System.Buffers.Binary;
using ThreeFs.Base;
using ThreeFs.Base.Tasks;
using ThreeFs.Kv;
using ThreeFs.Meta.Records;

namespace ThreeFs.Meta.Allocation;

/// <summary>
/// Hands out inode ids that were never handed out before. Ids come from the store in blocks, so that creating a file touches no
/// counter; what is left of a block when a server ends is lost. A block is durable before its first id is used: after a power
/// failure no id comes back under which storage already holds chunks. Thread-safe.
/// </summary>
internal sealed class InodeIdAllocator(KvRetry retry)
{
    public const ulong BlockSize = 4096;

    /// <summary>Ids stay below this; the rest of the 64 bits is kept for ids that are no inodes.</summary>
    public const ulong Limit = 1UL << 56;

    private readonly Lock _lock = new();
    private ulong _next;
    private ulong _end;
    private Task<Status>? _refill;

    /// <summary>Who gives up waiting for a block leaves it to the others who wait.</summary>
    public async ValueTask<Result<InodeId>> NextAsync(CancellationToken ct)
    {
        while (true)
        {
            Task<Status> refill;
            TaskCompletionSource<Status>? mine = null;
            lock (_lock)
            {
                if (_next < _end) return new InodeId(_next++);
                if (_refill is null)
                {
                    mine = new TaskCompletionSource<Status>();
                    _refill = mine.Task;
                }

                refill = _refill;
            }

            // Outside the lock, because it may complete at once and continue with a caller.
            if (mine is not null) _ = RefillAsync(mine);
            if (!await refill.CompletesAsync(ct)) return new Status(StatusCode.Cancelled, "waiting for unused inode ids was given up");
            var status = await refill;
            if (!status.IsOk) return status;
        }
    }

    /// <summary>For everybody who waits, and therefore nobody's to cancel. Ends in every case: the next caller tries again.</summary>
    private async Task RefillAsync(TaskCompletionSource<Status> done)
    {
        try
        {
            done.SetResult(Take(await retry.RunAsync(TakeBlockAsync, KvDurability.Durable, CancellationToken.None)));
        }
        catch (Exception e)
        {
            Take(StatusCode.Internal);
            done.SetException(e);
        }
    }

    private Status Take(Result<ulong> block)
    {
        lock (_lock)
        {
            _refill = null;
            if (!block.TryGet(out var first)) return block.Status;
            _next = first;
            _end = first + BlockSize;
            return Status.Ok;
        }
    }

    private static async ValueTask<Result<ulong>> TakeBlockAsync(KvAttempt attempt)
    {
        var stored = await attempt.Transaction.GetAsync(MetaKeys.InodeAllocator);
        if (!stored.TryGet(out var value)) return stored.Status;
        var first = Math.Max(value.ReadCounter(), InodeId.FirstAllocated.Value);
        if (first > Limit - BlockSize) return new Status(StatusCode.NoSpace, "every inode id has been used");
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, first + BlockSize);
        attempt.Transaction.Set(MetaKeys.InodeAllocator, bytes);
        return first;
    }
}
