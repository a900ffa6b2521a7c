using ThreeFs.Base;

namespace ThreeFs.Client.Files;

/// <summary>
/// Mutual exclusion over awaits, in order of arrival. Taking a free one completes at once and allocates nothing. The
/// next holder continues inline in <see cref="Release"/>; who gives up, inside the call that cancels.
/// </summary>
internal sealed class AsyncLock
{
    private readonly Lock _lock = new();
    private readonly Queue<TaskCompletionSource<bool>> _waiting = new();
    private bool _held;

    /// <summary>True: the caller holds the lock and releases it. False: it gave up before its turn.</summary>
    public ValueTask<bool> EnterAsync(CancellationToken ct)
    {
        TaskCompletionSource<bool> waiter;
        lock (_lock)
        {
            if (ct.IsCancellationRequested) return new(false);
            if (!_held)
            {
                _held = true;
                return new(true);
            }

            waiter = new TaskCompletionSource<bool>();
            _waiting.Enqueue(waiter);
        }

        return ct.CanBeCanceled ? WaitAsync(waiter, ct) : new(waiter.Task);
    }

    public void Release()
    {
        while (true)
        {
            TaskCompletionSource<bool>? next;
            lock (_lock)
            {
                Invariant.Check(_held, "a lock is released by its holder");
                if (!_waiting.TryDequeue(out next))
                {
                    _held = false;
                    return;
                }
            }

            // Whoever gave up is passed over; until somebody takes it the lock stays held.
            if (next.TrySetResult(true)) return;
        }
    }

    private static async ValueTask<bool> WaitAsync(TaskCompletionSource<bool> waiter, CancellationToken ct)
    {
        using var givesUp = ct.UnsafeRegister(
            static waiter => ((TaskCompletionSource<bool>)waiter!).TrySetResult(false), waiter);
        return await waiter.Task;
    }
}
