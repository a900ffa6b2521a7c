namespace ThreeFs.Base.Tasks;

/// <summary>
/// Waits that can be given up, and say so instead of throwing. What follows a wait that ends runs where the timer or the task
/// completes, as with every await; what follows one that is given up never runs inside the call that cancels.
/// </summary>
/// <remarks>
/// Not Task.Delay and Task.WaitAsync with a token: these end on the thread pool, at a moment of their own, where a simulation
/// cannot follow.
/// </remarks>
public static class Waits
{
    /// <summary>False when given up before the time was over.</summary>
    public static async ValueTask<bool> PauseAsync(this TimeProvider time, TimeSpan pause, CancellationToken ct)
    {
        if (pause <= TimeSpan.Zero || ct.IsCancellationRequested) return !ct.IsCancellationRequested;
        var over = new TaskCompletionSource<bool>();
        using var timer = time.CreateTimer(
            static over => ((TaskCompletionSource<bool>)over!).TrySetResult(true), over, pause, Timeout.InfiniteTimeSpan);
        return await EndAsync(over, ct);
    }

    /// <summary>True when the task has completed, however; false when given up before.</summary>
    public static async ValueTask<bool> CompletesAsync(this Task task, CancellationToken ct)
    {
        if (task.IsCompleted) return true;
        var over = new TaskCompletionSource<bool>();
        task.GetAwaiter().UnsafeOnCompleted(() => over.TrySetResult(true));
        return await EndAsync(over, ct);
    }

    private static async ValueTask<bool> EndAsync(TaskCompletionSource<bool> over, CancellationToken ct)
    {
        using var givenUp = ct.UnsafeRegister(static over => ((TaskCompletionSource<bool>)over!).TrySetResult(false), over);
        if (await over.Task) return true;
        await Task.Yield();
        return false;
    }
}
