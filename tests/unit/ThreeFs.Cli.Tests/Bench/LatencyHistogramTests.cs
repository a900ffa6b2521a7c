using ThreeFs.Base;
using ThreeFs.Cli.Bench;

namespace ThreeFs.Cli.Tests.Bench;

public sealed class LatencyHistogramTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(100)]
    [InlineData(123_400)]
    [InlineData(7_777_777_700)]
    public void A_percentile_is_the_value_or_at_most_a_thirty_second_more(long nanoseconds)
    {
        var histogram = new LatencyHistogram();
        var latency = TimeSpan.FromMicroseconds(nanoseconds / 1000.0);
        histogram.Record(latency);
        foreach (var percent in new[] { 0.1, 50, 100 })
            Assert.InRange(histogram.Percentile(percent).TotalNanoseconds, latency.TotalNanoseconds - 100, latency.TotalNanoseconds * 33 / 32 + 100);
    }

    [Fact]
    public void Percentiles_are_those_of_the_sorted_values()
    {
        var histogram = new LatencyHistogram();
        var random = new SeededRandom(1);
        var values = Enumerable.Range(0, 10_000).Select(_ => random.Next(1, 1_000_000)).ToArray(); // µs
        foreach (var value in values) histogram.Record(TimeSpan.FromMicroseconds(value));
        Array.Sort(values);
        Assert.Equal(10_000, histogram.Count);
        foreach (var (percent, index) in new[] { (50.0, 4_999), (99.0, 9_899), (99.9, 9_989), (100.0, 9_999) })
            Assert.InRange(histogram.Percentile(percent).TotalMicroseconds, values[index], values[index] * 1.04);
    }

    [Fact]
    public void Nothing_recorded_is_zero_and_what_is_beyond_the_end_counts_as_the_end()
    {
        var histogram = new LatencyHistogram();
        Assert.Equal(TimeSpan.Zero, histogram.Percentile(99));
        histogram.Record(TimeSpan.FromDays(3));
        Assert.InRange(histogram.Percentile(99), TimeSpan.FromHours(1), TimeSpan.FromHours(2));
        histogram.Clear();
        Assert.Equal((0, TimeSpan.Zero), (histogram.Count, histogram.Percentile(99)));
    }
}
