namespace ThreeFs.Fuse.Session;

/// <summary>
/// Ends requests that wait longer than any may. Each call to a server has a deadline of its own; an operation of several
/// calls would add them up.
/// </summary>
internal sealed class DeadlineWatch : IDisposable
{
    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(1);

    /// <summary>A single call that ends by its own deadline can say better what it waited for.</summary>
    private static readonly TimeSpan _slack = TimeSpan.FromSeconds(1);

    private readonly List<FuseChannel> _channels;
    private readonly TimeSpan _deadline;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;

    public DeadlineWatch(List<FuseChannel> channels, TimeSpan deadline, TimeProvider time)
    {
        _channels = channels;
        _deadline = deadline;
        _time = time;
        _timer = time.CreateTimer(_ => Look(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>From here on the list of channels does not change.</summary>
    public void Start() => _timer.Change(_interval, _interval);

    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        var ticks = (_deadline + _slack).TotalSeconds * _time.TimestampFrequency;
        var latest = _time.GetTimestamp() - (long)ticks;
        foreach (var channel in _channels) channel.ExpireStartedBefore(latest);
    }
}
