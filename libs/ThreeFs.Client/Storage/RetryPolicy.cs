using ThreeFs.Base;
using ThreeFs.Base.Tasks;

namespace ThreeFs.Client.Storage;

/// <summary>
/// When an operation tries again: pauses double from the first to the longest, each drawn between half and all of it,
/// until the deadline. Thread-safe.
/// </summary>
internal sealed class RetryPolicy(StorageClientOptions options, TimeProvider time, SeededRandom random)
{
    public long Now => time.GetTimestamp();

    public TimeSpan Elapsed(long since) => time.GetElapsedTime(since);

    /// <summary>What is left of an operation's time.</summary>
    public TimeSpan Left(long started) => options.Deadline - time.GetElapsedTime(started);

    /// <summary>Time for one attempt that moves <paramref name="bytes"/>, at most what is left of the
    /// operation's.</summary>
    public TimeSpan Attempt(TimeSpan basis, long bytes, long started)
    {
        var timeout = basis + TimeSpan.FromSeconds((double)bytes / options.MinBytesPerSecond);
        var left = Left(started);
        if (left > timeout) return timeout;
        return left > TimeSpan.FromMilliseconds(1) ? left : TimeSpan.FromMilliseconds(1);
    }

    /// <summary>Waits before attempt <paramref name="attempt"/> + 1. False: the time is over or the caller gave
    /// up.</summary>
    public async ValueTask<bool> PauseAsync(int attempt, long started, CancellationToken ct)
    {
        var pause = options.FirstBackoff * Math.Pow(2, Math.Min(attempt, 16));
        if (pause > options.MaxBackoff) pause = options.MaxBackoff;
        double jitter;
        lock (random) jitter = 0.5 + random.NextDouble() / 2;
        pause *= jitter;
        return pause < Left(started) && await time.PauseAsync(pause, ct);
    }
}
