using System.Threading.Tasks.Sources;

namespace ThreeFs.Base.Tasks;

/// <summary>
/// One result for any number of waiters, who all go on inline, in the order in which they came, on the thread that sets it. Used by
/// one thread. A <see cref="TaskCompletionSource{T}"/> cannot stand in: of several awaiters a task resumes one inline and sends the
/// others to the thread pool, off the thread that owns their state.
/// </summary>
public sealed class SharedCompletion<T>
{
    private readonly List<Waiter> _waiters = [];
    private bool _isCompleted;
    private T _result = default!;
    private Exception? _exception;

    /// <summary>Await each returned task once.</summary>
    public ValueTask<T> WaitAsync()
    {
        var waiter = new Waiter();
        if (_isCompleted) waiter.Complete(_result, _exception);
        else _waiters.Add(waiter);
        return waiter.Task;
    }

    public void SetResult(T result) => Complete(result, null);

    public void SetException(Exception exception) => Complete(default!, exception);

    private void Complete(T result, Exception? exception)
    {
        Invariant.Check(!_isCompleted, "a completion is set once");
        (_isCompleted, _result, _exception) = (true, result, exception);
        foreach (var waiter in _waiters) waiter.Complete(result, exception);
        _waiters.Clear();
    }

    private sealed class Waiter : IValueTaskSource<T>
    {
        private ManualResetValueTaskSourceCore<T> _core;

        public ValueTask<T> Task => new(this, _core.Version);

        public void Complete(T result, Exception? exception)
        {
            if (exception is null) _core.SetResult(result);
            else _core.SetException(exception);
        }

        public T GetResult(short token) => _core.GetResult(token);

        public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _core.OnCompleted(continuation, state, token, flags);
    }
}
