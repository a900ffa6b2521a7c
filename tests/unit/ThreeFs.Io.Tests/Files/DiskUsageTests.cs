using ThreeFs.Base;
using ThreeFs.Io.Files;

namespace ThreeFs.Io.Tests.Files;

public sealed class DiskUsageTests
{
    [Fact]
    public void Space_of_a_file_system_is_asked_without_allocating()
    {
        var path = Path.GetTempPath();
        var space = DiskUsage.Of(path).Value;
        Assert.InRange(space.FreeBytes, 0, space.CapacityBytes);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++) DiskUsage.Of(path);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Theory]
    [InlineData(5_000, StatusCode.InvalidArgument)]
    [InlineData(300, StatusCode.NameTooLong)]
    [InlineData(20, StatusCode.NotFound)]
    public void A_path_that_is_not_there_is_told(int length, StatusCode expected)
    {
        var usage = DiskUsage.Of("/" + new string('é', length / 2));
        Assert.Equal(expected, usage.Code);
    }
}
