using ThreeFs.Base;
using ThreeFs.Meta.Tests.Support;

namespace ThreeFs.Meta.Tests.Ops;

public sealed class StatFsTests
{
    [Fact]
    public async Task Remembers_for_a_moment_and_survives_storage()
    {
        var fs = await MetaHarness.CreateAsync();
        var first = (await fs.A.StatFsAsync(fs.Root, default)).Value;
        Assert.Equal((1000L, 400L, 600L, 1L), (first.CapacityBytes, first.FreeBytes, first.UsedBytes, first.Inodes));
        await fs.FileAsync(InodeId.Root, "f");
        Assert.Equal(2, (await fs.A.StatFsAsync(fs.Root, default)).Value.Inodes);
        Assert.Equal(1, fs.Chunks.SpaceQuestions);
        fs.Time.Advance(fs.Options.SpaceCacheTime);
        fs.Chunks.Failure = StatusCode.NoServingTarget;
        Assert.Equal(400, (await fs.A.StatFsAsync(fs.Root, default)).Value.FreeBytes);
        Assert.Equal(2, fs.Chunks.SpaceQuestions);
        fs.Time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(StatusCode.NoServingTarget, (await fs.A.StatFsAsync(fs.Root, default)).Code);
    }
}
