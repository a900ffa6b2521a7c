using ThreeFs.Contracts.Routing;

namespace ThreeFs.Mgmtd.State;

/// <summary>Where the newest snapshot hangs and where callers wait for the next one. Thread-safe.</summary>
internal sealed class RoutingBoard
{
    private readonly Lock _lock = new();
    private TaskCompletionSource _next = NewSignal();
    private volatile RoutingInfo _current = RoutingInfo.Empty;

    public RoutingInfo Current => _current;

    /// <summary>
    /// Completes with the first snapshot after the one that is current when this is called, or when the term ends.
    /// </summary>
    public Task Next
    {
        get
        {
            lock (_lock) return _next.Task;
        }
    }

    public void Publish(RoutingInfo routing)
    {
        TaskCompletionSource waiting;
        lock (_lock)
        {
            if (routing.Version <= _current.Version) return;
            _current = routing;
            waiting = _next;
            _next = NewSignal();
        }

        waiting.TrySetResult();
    }

    /// <summary>The term is over: whoever waits asks somebody else.</summary>
    public void WakeAll()
    {
        TaskCompletionSource waiting;
        lock (_lock)
        {
            waiting = _next;
            _next = NewSignal();
        }

        waiting.TrySetResult();
    }

    /// <summary>Asynchronous, so that a thousand waiters do not run inside the publisher.</summary>
    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
