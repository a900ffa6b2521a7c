using ThreeFs.Base;
using ThreeFs.Meta.Tests.Support;
using static ThreeFs.Meta.Tests.Support.MetaHarness;

namespace ThreeFs.Meta.Tests.Ops;

public sealed class RemoveDirectoryTests
{
    [Fact]
    public async Task Removes_an_empty_one_with_all_its_records()
    {
        var fs = await MetaHarness.CreateAsync();
        var rows = await fs.RowCountAsync();
        var dir = await fs.MkdirAsync(InodeId.Root, "d");
        await fs.FileAsync(dir.Id, "f");
        await fs.A.SetXattrAsync(fs.Root, dir.Id, Name("user.x"), "v"u8.ToArray(), 0, default);
        Assert.Equal(StatusCode.NotEmpty, (await fs.A.RemoveDirectoryAsync(fs.Root, InodeId.Root, Name("d"), default)).Code);
        await fs.A.UnlinkAsync(fs.Root, dir.Id, Name("f"), null, default);
        var removed = (await fs.A.RemoveDirectoryAsync(fs.Root, InodeId.Root, Name("d"), default)).Value;
        Assert.Equal((dir.Id, 0u), (removed.Id, removed.LinkCount));
        Assert.Equal(StatusCode.NotFound, await fs.CodeOfAsync(dir.Id));
        Assert.Equal(2u, (await fs.StatAsync(InodeId.Root)).LinkCount);
        fs.Time.Advance(fs.Options.GarbageDelay);
        await fs.CollectAsync();
        fs.Time.Advance(TimeSpan.FromHours(1));
        await fs.A.Requests.RunRoundAsync(default);

        // What stays: the root's two counters and the id allocator.
        Assert.Equal(rows + 3, await fs.RowCountAsync());
        Assert.Equal(1, await fs.InodesAsync());
    }

    [Fact]
    public async Task Refuses_what_posix_refuses()
    {
        var fs = await MetaHarness.CreateAsync();
        var dir = await fs.MkdirAsync(InodeId.Root, "d", mode: 0x1ED);
        await fs.MkdirAsync(dir.Id, "s");
        await fs.FileAsync(InodeId.Root, "f");
        Assert.Equal(StatusCode.NotDirectory, (await fs.A.RemoveDirectoryAsync(fs.Root, InodeId.Root, Name("f"), default)).Code);
        Assert.Equal(StatusCode.NotFound, (await fs.A.RemoveDirectoryAsync(fs.Root, InodeId.Root, Name("x"), default)).Code);
        Assert.Equal(StatusCode.AccessDenied, (await fs.A.RemoveDirectoryAsync(fs.As(5), dir.Id, Name("s"), default)).Code);
        Assert.Equal(StatusCode.InvalidArgument, (await fs.A.RemoveDirectoryAsync(fs.Root, dir.Id, Name("."), default)).Code);
        Assert.Equal(StatusCode.NotEmpty, (await fs.A.RemoveDirectoryAsync(fs.Root, dir.Id, Name(".."), default)).Code);
    }
}
