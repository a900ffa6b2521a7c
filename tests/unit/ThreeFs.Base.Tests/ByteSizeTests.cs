namespace ThreeFs.Base.Tests;

public sealed class ByteSizeTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("512", 512)]
    [InlineData("512B", 512)]
    [InlineData("64KiB", 65536)]
    [InlineData("64K", 65536)]
    [InlineData(" 1 mib ", 1 << 20)]
    [InlineData("3G", 3L << 30)]
    [InlineData("2TiB", 2L << 40)]
    public void Reads(string text, long expected)
    {
        Assert.True(ByteSize.TryParse(text, out var size));
        Assert.Equal(expected, size.Bytes);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("MiB")]
    [InlineData("1.5GiB")]
    [InlineData("-1")]
    [InlineData("1 0")]
    [InlineData("1XiB")]
    [InlineData("99999999TiB")]
    public void Refuses(string? text) => Assert.False(ByteSize.TryParse(text, out _));

    [Theory]
    [InlineData(0, "0B")]
    [InlineData(1000, "1000B")]
    [InlineData(1 << 20, "1MiB")]
    [InlineData(3L << 29, "1.5GiB")]
    public void Prints(long bytes, string expected) => Assert.Equal(expected, new ByteSize(bytes).ToString());

    [Fact]
    public void What_is_printed_exactly_is_read_back()
    {
        foreach (var bytes in new[] { 1L, 4096, 64 << 10, 5L << 20, 7L << 40 })
        {
            Assert.True(ByteSize.TryParse(new ByteSize(bytes).ToString(), out var size));
            Assert.Equal(bytes, size.Bytes);
        }
    }
}
