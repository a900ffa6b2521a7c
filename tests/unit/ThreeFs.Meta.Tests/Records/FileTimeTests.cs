using ThreeFs.Contracts.Meta;

namespace ThreeFs.Meta.Tests.Records;

public sealed class FileTimeTests
{
    [Theory]
    [InlineData(0, 0, 0, 0)]
    [InlineData(-1, 5, -1, 5)]
    [InlineData(4_000_000_000, 999_999_999, 4_000_000_000, 999_999_999)]
    [InlineData(10_000_000_000, 7, 9_223_372_036, 854_775_807)]
    [InlineData(-10_000_000_000, 7, -9_223_372_037, 145_224_192)]
    [InlineData(long.MaxValue, 0, 9_223_372_036, 854_775_807)]
    [InlineData(long.MinValue, 0, -9_223_372_037, 145_224_192)]
    public void Times_are_exact_or_the_nearest_that_can_be_told(long seconds, uint nanoseconds, long told, uint toldNanoseconds)
    {
        var time = FileTime.From(seconds, nanoseconds);
        Assert.Equal((told, toldNanoseconds), (time.Seconds, time.NanosecondPart));
    }

    [Fact]
    public void Later_times_never_become_earlier_ones()
    {
        for (var seconds = 9_223_372_030L; seconds < 9_223_372_040; seconds++)
            Assert.True(FileTime.From(seconds, 0).CompareTo(FileTime.From(seconds + 1, 0)) <= 0);
    }
}
