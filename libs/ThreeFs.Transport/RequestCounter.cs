namespace ThreeFs.Transport;

/// <summary>
/// Requests between arrival and answer, over all connections of a listener, and the wait for their end. Thread-safe.
/// </summary>
internal sealed class RequestCounter
{
    private readonly TaskCompletionSource _quiet = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _count;
    private volatile bool _draining;

    public int Count => Volatile.Read(ref _count);

    /// <summary>New requests are refused.</summary>
    public bool IsDraining => _draining;

    public void Began() => Interlocked.Increment(ref _count);

    public void Ended()
    {
        if (Interlocked.Decrement(ref _count) == 0 && _draining) _quiet.TrySetResult();
    }

    /// <summary>True the first time.</summary>
    public bool StartDraining()
    {
        if (_draining) return false;
        _draining = true;
        return true;
    }

    /// <summary>Completes when no request is left or <paramref name="grace"/> is over.</summary>
    public async ValueTask WaitAsync(TimeSpan grace, TimeProvider time)
    {
        // The announcement is visible before the count is looked at: whoever ends the last request after this sees it.
        Interlocked.MemoryBarrier();
        if (Count == 0) return;
        using var waited = new CancellationTokenSource();
        await Task.WhenAny(_quiet.Task, Task.Delay(grace, time, waited.Token));
        await waited.CancelAsync();
    }
}
