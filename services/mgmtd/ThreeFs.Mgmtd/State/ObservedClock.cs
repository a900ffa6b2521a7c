namespace ThreeFs.Mgmtd.State;

/// <summary>
/// Time during which this process was able to hear heartbeats. It advances with the monotonic clock, but by at most a
/// step from one <see cref="Tick"/> to the next: when the process was stalled, nodes that spoke meanwhile are not
/// called silent. It is never ahead of real time, so waiting by it waits at least as long.
/// </summary>
internal sealed class ObservedClock(TimeProvider time, TimeSpan maxStep)
{
    private long _lastTick = time.GetTimestamp();
    private TimeSpan _atLastTick;

    public TimeSpan Now
    {
        get
        {
            var step = time.GetElapsedTime(_lastTick);
            return _atLastTick + (step < maxStep ? step : maxStep);
        }
    }

    public void Tick()
    {
        _atLastTick = Now;
        _lastTick = time.GetTimestamp();
    }
}
