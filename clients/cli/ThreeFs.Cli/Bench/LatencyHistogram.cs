using System.Numerics;

namespace ThreeFs.Cli.Bench;

/// <summary>
/// How long operations took, in nanoseconds up to about 73 minutes, counted in buckets that are 1/32 of their value
/// wide: a percentile is at most 3 % too large. One thread; recording allocates nothing.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int SubBits = 5;
    private const int MaxBits = 42;

    private readonly long[] _counts = new long[(MaxBits - SubBits + 1) << SubBits];

    public long Count { get; private set; }

    public void Record(TimeSpan latency)
    {
        _counts[BucketOf(Math.Clamp((long)latency.TotalNanoseconds, 0, (1L << MaxBits) - 1))]++;
        Count++;
    }

    public void Clear()
    {
        Array.Clear(_counts);
        Count = 0;
    }

    /// <summary>What so many of a hundred operations did not exceed; zero when nothing was recorded.</summary>
    /// <param name="percent">Above 0, at most 100.</param>
    public TimeSpan Percentile(double percent)
    {
        var left = (long)Math.Ceiling(Count * percent / 100);
        for (var bucket = 0; bucket < _counts.Length && left > 0; bucket++)
        {
            left -= _counts[bucket];
            if (left <= 0) return TimeSpan.FromMicroseconds(EndOf(bucket) / 1000.0);
        }

        return TimeSpan.Zero;
    }

    /// <summary>Values below 32 have a bucket each; from there on every power of two has 32 of them.</summary>
    private static int BucketOf(long nanoseconds)
    {
        var shift = Math.Max(0, BitOperations.Log2((ulong)nanoseconds | 1) - SubBits);
        return (shift << SubBits) + (int)(nanoseconds >> shift);
    }

    private static long EndOf(int bucket)
    {
        var shift = Math.Max(0, (bucket >> SubBits) - 1);
        var value = (long)bucket - ((long)shift << SubBits);
        return ((value + 1) << shift) - 1;
    }
}
