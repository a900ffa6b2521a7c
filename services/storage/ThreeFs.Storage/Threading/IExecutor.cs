using System.Runtime.CompilerServices;
using ThreeFs.Base;

namespace ThreeFs.Storage.Threading;

/// <summary>
/// The one thread that owns a target. Everything about the target happens there; who comes from elsewhere (a timer, a
/// routing update, another reactor) enters first. In a simulation this is a queue.
/// </summary>
public interface IExecutor
{
    bool IsCurrent { get; }

    /// <summary>Runs the work on the owner's thread, later, in order of the calls.</summary>
    void Post(Action<object?> work, object? state);
}

public static class ExecutorExtensions
{
    /// <summary>Awaiting it continues on the executor's thread; at once when already there.</summary>
    public static ExecutorEntry Enter(this IExecutor executor) => new(executor);

    /// <summary>Waits and continues on the executor's thread. False when given up because of the token.</summary>
    /// <remarks>Not Task.Delay: that one ends a cancelled wait on the thread pool, at a moment of its own.</remarks>
    public static async ValueTask<bool> DelayAsync(this IExecutor executor, TimeSpan delay, TimeProvider time, CancellationToken ct)
    {
        var done = new TaskCompletionSource<bool>();
        using var timer = time.CreateTimer(
            static state => ((TaskCompletionSource<bool>)state!).TrySetResult(true), done, delay, Timeout.InfiniteTimeSpan);
        using var giveUp = ct.UnsafeRegister(static state => ((TaskCompletionSource<bool>)state!).TrySetResult(false), done);
        var complete = await done.Task;
        await executor.Enter();
        return complete;
    }
}

/// <summary>See <see cref="ExecutorExtensions.Enter"/>.</summary>
public readonly struct ExecutorEntry(IExecutor executor) : ICriticalNotifyCompletion
{
    private static readonly Action<object?> _run = static state => ((Action)state!)();

    public ExecutorEntry GetAwaiter() => this;

    public bool IsCompleted => executor.IsCurrent;

    public void GetResult() => Invariant.Check(executor.IsCurrent, "the executor runs work on its own thread");

    public void OnCompleted(Action continuation) => executor.Post(_run, continuation);

    public void UnsafeOnCompleted(Action continuation) => executor.Post(_run, continuation);
}
