using System.Threading.Tasks.Sources;

namespace ThreeFs.Base.Tasks;

/// <summary>
/// One result for any number of waiters, who all go on inline, in the order in which they came, on the thread that sets it. Used by
/// one thread. A <see cref="TaskCompletionSource{T}"/> cannot stand in: of several awaiters a task resumes one inline and sends the
/// others to the thread pool, off the thread that owns their state. Used again after <see cref="Reset"/> it allocates nothing.
/// </summary>
public sealed class SharedCompletion<T>
{
    private readonly List<Waiter> _waiters = [];
    private readonly Stack<Waiter> _idle = new();
    private bool _isCompleted;
    private T _result = default!;
    private Exception? _exception;

    /// <summary>Await each returned task once.</summary>
    public ValueTask<T> WaitAsync()
    {
        if (!_idle.TryPop(out var waiter)) waiter = new Waiter(_idle);
        if (_isCompleted) waiter.Complete(_result, _exception);
        else _waiters.Add(waiter);
        return waiter.Task;
    }

    public void SetResult(T result) => Complete(result, null);

    public void SetException(Exception exception) => Complete(default!, exception);

    /// <summary>Makes it a completion that is not set yet; not before the call that set it has returned.</summary>
    public void Reset()
    {
        Invariant.Check(_isCompleted && _waiters.Count == 0, "a completion is used again when everybody has its result");
        (_isCompleted, _result, _exception) = (false, default!, null);
    }

    private void Complete(T result, Exception? exception)
    {
        Invariant.Check(!_isCompleted, "a completion is set once");
        (_isCompleted, _result, _exception) = (true, result, exception);
        foreach (var waiter in _waiters) waiter.Complete(result, exception);
        _waiters.Clear();
    }

    private sealed class Waiter(Stack<Waiter> home) : IValueTaskSource<T>
    {
        private ManualResetValueTaskSourceCore<T> _core;

        public ValueTask<T> Task => new(this, _core.Version);

        public void Complete(T result, Exception? exception)
        {
            if (exception is null) _core.SetResult(result);
            else _core.SetException(exception);
        }

        public T GetResult(short token)
        {
            // A wrong token throws here, before anything is returned to the pool.
            _core.GetStatus(token);
            try
            {
                return _core.GetResult(token);
            }
            finally
            {
                _core.Reset();
                home.Push(this);
            }
        }

        public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _core.OnCompleted(continuation, state, token, flags);
    }
}
