using ThreeFs.Base;

namespace ThreeFs.Io.Timers;

/// <summary>
/// One timer of a <see cref="ReactorTimeProvider"/>. Its fields belong to the <see cref="TimerQueue"/> and its lock.
/// </summary>
internal sealed class ReactorTimer(TimerQueue queue, TimerCallback callback, object? state) : ITimer
{
    /// <summary>Place in the heap; −1 while it is not armed.</summary>
    internal int Index { get; set; } = -1;

    internal long Due { get; set; }

    /// <summary>Order among timers of the same instant.</summary>
    internal long Sequence { get; set; }

    /// <summary>Ticks between repetitions; 0 fires once.</summary>
    internal long Period { get; set; }

    internal bool IsDisposed { get; set; }

    public bool Change(TimeSpan dueTime, TimeSpan period) => queue.Change(this, dueTime, period);

    public void Dispose() => queue.Remove(this);

    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }

    internal void Fire() => callback(state);
}
