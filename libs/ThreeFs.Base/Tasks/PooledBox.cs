using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;

namespace ThreeFs.Base.Tasks;

/// <summary>The task behind a call of a <see cref="PooledTaskBuilder{T}"/> method that did not complete at
/// once.</summary>
internal abstract class PooledBox<T> : IValueTaskSource<T>
{
    private ManualResetValueTaskSourceCore<T> _core;

    public ValueTask<T> Task => new(this, _core.Version);

    /// <summary>Resumes the state machine; made once for each box.</summary>
    public abstract Action Continuation { get; }

    public void SetResult(T result) => _core.SetResult(result);

    public void SetException(Exception exception) => _core.SetException(exception);

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token,
        ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    public T GetResult(short token)
    {
        // A wrong token throws here, before anything is returned to the pool.
        var status = _core.GetStatus(token);
        Invariant.Check(status != ValueTaskSourceStatus.Pending,
            "a pooled task is asked for its result when it has completed");
        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            _core.Reset();
            Return();
        }
    }

    protected abstract void Return();
}

/// <summary>A call that failed before it was suspended; not pooled.</summary>
internal sealed class FailedBox<T> : PooledBox<T>
{
    public override Action Continuation => throw Invariant.Unreachable("a failed call is not resumed");

    protected override void Return()
    {
    }
}

/// <summary>Holds one kind of state machine while it is suspended.</summary>
internal sealed class StateMachineBox<T, TStateMachine> : PooledBox<T>
    where TStateMachine : IAsyncStateMachine
{
    private static readonly BoundedPool<StateMachineBox<T, TStateMachine>> _pool = new(1024);

    /// <summary>A field: the state machine is a struct that advances in place.</summary>
    public TStateMachine StateMachine = default!;

    private StateMachineBox() => Continuation = () => StateMachine.MoveNext();

    public override Action Continuation { get; }

    public static StateMachineBox<T, TStateMachine> Rent() =>
        _pool.TryTake() ?? new StateMachineBox<T, TStateMachine>();

    protected override void Return()
    {
        // Lets go of everything the call held; what of the state machine still unwinds touches none of its fields.
        StateMachine = default!;
        _pool.TryAdd(this);
    }
}
