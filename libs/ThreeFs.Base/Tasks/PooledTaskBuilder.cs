using System.Runtime.CompilerServices;

namespace ThreeFs.Base.Tasks;

/// <summary>
/// Builder for async methods on the data path, chosen with
/// <c>[AsyncMethodBuilder(typeof(PooledTaskBuilder&lt;&gt;))]</c> on a method that returns <see cref="ValueTask{T}"/>:
/// the state machine of a suspended call lives in a pooled box, so a call allocates nothing in steady state, at any
/// depth.
/// </summary>
/// <remarks>
/// The runtime's own pooling builder keeps one box for each core, which is too few for a queue of requests. What it
/// costs: the execution context does not flow (nothing here uses one), and the task must be awaited exactly once.
/// </remarks>
public struct PooledTaskBuilder<T>
{
    private PooledBox<T>? _box;
    private T _result;

    public static PooledTaskBuilder<T> Create() => default;

    public readonly ValueTask<T> Task => _box is { } box ? box.Task : new ValueTask<T>(_result);

    public readonly void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => stateMachine.MoveNext();

    public readonly void SetStateMachine(IAsyncStateMachine stateMachine)
    {
    }

    public void SetResult(T result)
    {
        if (_box is { } box) box.SetResult(result);
        else _result = result;
    }

    public void SetException(Exception exception)
    {
        // A call that fails before it suspends has no box yet; failing is not the path that must not allocate.
        _box ??= new FailedBox<T>();
        _box.SetException(exception);
    }

    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine => awaiter.OnCompleted(Box(ref stateMachine).Continuation);

    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine => awaiter.UnsafeOnCompleted(Box(ref stateMachine).Continuation);

    /// <summary>
    /// The box must be in the builder before the state machine is copied, because the copy carries the builder with it.
    /// </summary>
    private PooledBox<T> Box<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine
    {
        if (_box is not null) return _box;
        var box = StateMachineBox<T, TStateMachine>.Rent();
        _box = box;
        box.StateMachine = stateMachine;
        return box;
    }
}
