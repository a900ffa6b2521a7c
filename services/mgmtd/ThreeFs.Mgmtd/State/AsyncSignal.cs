using ThreeFs.Base.Tasks;
namespace ThreeFs.Mgmtd.State;

/// <summary>
/// A flag that one loop waits for; setting it several times before the loop looks is one wake-up. Thread-safe.
/// </summary>
internal sealed class AsyncSignal
{
    private readonly Lock _lock = new();
    private TaskCompletionSource _set = NewSignal();

    public void Set()
    {
        lock (_lock) _set.TrySetResult();
    }

    /// <summary>Waits until set and clears it; false when given up.</summary>
    public async ValueTask<bool> WaitAsync(CancellationToken ct)
    {
        Task set;
        lock (_lock) set = _set.Task;
        if (!await set.CompletesAsync(ct)) return false;
        lock (_lock) _set = NewSignal();
        return true;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
