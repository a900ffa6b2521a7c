namespace ThreeFs.Sim.World;

/// <summary>
/// The clocks of one process: the monotonic one runs a little fast or slow and starts anywhere, the wall clock may be wrong and
/// may jump. Timers belong to the process and die with it.
/// </summary>
internal sealed class ProcessClock(SimWorld world) : TimeProvider
{
    private static readonly DateTimeOffset _epoch = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>Whose timers these are; nobody's run for ever.</summary>
    public SimProcess? Owner { get; set; }

    /// <summary>Seconds gained per second.</summary>
    public double Drift { get; init; }

    public long Origin { get; init; }

    /// <summary>How far the wall clock is off; may be changed at any time.</summary>
    public TimeSpan Skew { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override long GetTimestamp() => Origin + world.Now + (long)(world.Now * Drift);

    public override DateTimeOffset GetUtcNow() => _epoch + world.Elapsed + Skew;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new SimTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class SimTimer(ProcessClock clock, TimerCallback callback, object? state) : ITimer
    {
        private SimEvent? _next;
        private TimeSpan _period;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            _next?.Cancel();
            _next = null;
            _period = period;
            Arm(dueTime);
            return true;
        }

        public void Dispose() => _next?.Cancel();

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }

        private void Arm(TimeSpan due)
        {
            if (due == Timeout.InfiniteTimeSpan) return;

            // Rounded up: a timer that fires early by a tick would find its time not yet over.
            var ticks = (long)Math.Ceiling(Math.Max(due.Ticks, 0) / (1 + clock.Drift)) + 1;
            _next = clock.World.After(TimeSpan.FromTicks(ticks), clock.Owner, static timer => ((SimTimer)timer!).Fire(), this);
        }

        private void Fire()
        {
            _next = null;
            if (_period > TimeSpan.Zero) Arm(_period);
            callback(state);
        }
    }

    private SimWorld World => world;
}
