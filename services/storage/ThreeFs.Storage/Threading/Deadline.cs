namespace ThreeFs.Storage.Threading;

/// <summary>Until when somebody waits for an answer, on the monotonic clock of a <see cref="TimeProvider"/>.</summary>
public readonly record struct Deadline(long At)
{
    public static Deadline In(TimeSpan time, TimeProvider clock) =>
        new(clock.GetTimestamp() + (long)(time.TotalSeconds * clock.TimestampFrequency));

    public TimeSpan Left(TimeProvider clock)
    {
        var now = clock.GetTimestamp();
        return now >= At ? TimeSpan.Zero : clock.GetElapsedTime(now, At);
    }

    public bool IsOver(TimeProvider clock) => clock.GetTimestamp() >= At;
}
