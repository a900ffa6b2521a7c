using ThreeFs.Base;

namespace ThreeFs.Io.Timers;

/// <summary>
/// The real clock whose timers fire on a reactor's thread: what a single-threaded owner awaits (a delay, a deadline)
/// continues on its own thread. Callbacks must not block and must not throw.
/// </summary>
public sealed class ReactorTimeProvider : TimeProvider
{
    private readonly TimerQueue _queue;

    internal ReactorTimeProvider(TimerQueue queue) => _queue = queue;

    /// <summary>May be called, and the timer changed and disposed, on any thread.</summary>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ReactorTimer(_queue, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }
}
