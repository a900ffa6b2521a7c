using ThreeFs.Base;

namespace ThreeFs.Client.Files;

/// <summary>
/// Mutual exclusion over awaits, in order of arrival. Taking a free one completes at once and allocates nothing. The
/// next holder continues inline in <see cref="Release"/>.
/// </summary>
internal sealed class AsyncLock
{
    private readonly Lock _lock = new();
    private readonly Queue<TaskCompletionSource> _waiting = new();
    private bool _held;

    public ValueTask EnterAsync()
    {
        lock (_lock)
        {
            if (!_held)
            {
                _held = true;
                return default;
            }

            var waiter = new TaskCompletionSource();
            _waiting.Enqueue(waiter);
            return new ValueTask(waiter.Task);
        }
    }

    public void Release()
    {
        TaskCompletionSource? next;
        lock (_lock)
        {
            Invariant.Check(_held, "a lock is released by its holder");
            if (!_waiting.TryDequeue(out next)) _held = false;
        }

        next?.SetResult();
    }
}
