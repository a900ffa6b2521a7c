using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;

namespace ThreeFs.Base.Threading;

/// <summary>
/// Lets an <c>async ValueTask&lt;T&gt;</c> method suspend without allocating: put
/// <c>[AsyncMethodBuilder(typeof(PooledValueTaskMethodBuilder&lt;&gt;))]</c> on it. The suspended state lives in a box that is reused,
/// from a stack of the thread that awaited the result; unlike the pool of the runtime, which keeps one box a core, it holds as
/// many as were in flight, up to <see cref="MaxPooled"/>.
/// </summary>
/// <remarks>
/// The returned task is awaited exactly once, as with every pooled source. Continuations run inline where the awaited
/// operation completed, and the execution context does not flow (no AsyncLocal): both are what a reactor wants.
/// </remarks>
public struct PooledValueTaskMethodBuilder<TResult>
{
    /// <summary>Most idle boxes a thread keeps for one method.</summary>
    public const int MaxPooled = 1024;

    private BoxBase? _box;
    private TResult _result;
    private Exception? _exception;

    public static PooledValueTaskMethodBuilder<TResult> Create() => default;

    public readonly ValueTask<TResult> Task =>
        _box is not null ? new ValueTask<TResult>(_box, _box.Version)
        : _exception is not null ? ValueTask.FromException<TResult>(_exception)
        : new ValueTask<TResult>(_result);

    public void Start<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine => stateMachine.MoveNext();

    public readonly void SetStateMachine(IAsyncStateMachine stateMachine) => _ = stateMachine;

    public void SetResult(TResult result)
    {
        if (_box is null) _result = result;
        else _box.SetResult(result);
    }

    public void SetException(Exception exception)
    {
        if (_box is null) _exception = exception;
        else _box.SetException(exception);
    }

    public void AwaitOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : INotifyCompletion
        where TStateMachine : IAsyncStateMachine => awaiter.OnCompleted(BoxOf(ref stateMachine).MoveNext);

    public void AwaitUnsafeOnCompleted<TAwaiter, TStateMachine>(ref TAwaiter awaiter, ref TStateMachine stateMachine)
        where TAwaiter : ICriticalNotifyCompletion
        where TStateMachine : IAsyncStateMachine => awaiter.UnsafeOnCompleted(BoxOf(ref stateMachine).MoveNext);

    private BoxBase BoxOf<TStateMachine>(ref TStateMachine stateMachine)
        where TStateMachine : IAsyncStateMachine
    {
        if (_box is not null) return _box;
        var box = Box<TStateMachine>.Rent();
        _box = box; // before the copy: this builder is a field of the state machine
        box.StateMachine = stateMachine;
        return box;
    }

    private abstract class BoxBase : IValueTaskSource<TResult>
    {
        private ManualResetValueTaskSourceCore<TResult> _core;

        protected BoxBase() => MoveNext = Step;

        public Action MoveNext { get; }

        public short Version => _core.Version;

        public void SetResult(TResult result) => _core.SetResult(result);

        public void SetException(Exception exception) => _core.SetException(exception);

        public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

        public void OnCompleted(
            Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _core.OnCompleted(continuation, state, token, ValueTaskSourceOnCompletedFlags.None);

        public TResult GetResult(short token)
        {
            try
            {
                return _core.GetResult(token);
            }
            finally
            {
                _core.Reset();
                Recycle();
            }
        }

        protected abstract void Step();

        protected abstract void Recycle();
    }

    private sealed class Box<TStateMachine> : BoxBase
        where TStateMachine : IAsyncStateMachine
    {
        [ThreadStatic]
        private static Stack<Box<TStateMachine>>? _idle;

        public TStateMachine StateMachine = default!;

        public static Box<TStateMachine> Rent() =>
            _idle is not null && _idle.TryPop(out var box) ? box : new Box<TStateMachine>();

        protected override void Step() => StateMachine.MoveNext();

        protected override void Recycle()
        {
            StateMachine = default!;
            var idle = _idle ??= new Stack<Box<TStateMachine>>();
            if (idle.Count < MaxPooled) idle.Push(this);
        }
    }
}
