using ThreeFs.Base;
using ThreeFs.Meta.Tests.Support;

namespace ThreeFs.Meta.Tests.Ops;

public sealed class ResolveTests
{
    [Theory]
    [InlineData("/", "/")]
    [InlineData("/a/b", "/a/b")]
    [InlineData("//a///b", "/a/b")]
    [InlineData("/a/../a/./b", "/a/b")]
    [InlineData("/../../a", "/a")]
    [InlineData("/a/", "/a")]
    [InlineData("/abs/b", "/a/b")]
    [InlineData("/a/rel/f", "/a/f")]
    [InlineData("/a/b/up/f", "/a/f")]
    [InlineData("/filelink", "/a/f")]
    [InlineData("/abs/", "/a")]
    public async Task Walks(string path, string same)
    {
        var fs = await TreeAsync();
        Assert.Equal((await fs.ResolveAsync(same)).Value.Id, (await fs.ResolveAsync(path)).Value.Id);
    }

    [Theory]
    [InlineData("", StatusCode.NotFound)]
    [InlineData("/x", StatusCode.NotFound)]
    [InlineData("/x/y", StatusCode.NotFound)]
    [InlineData("/a/f/x", StatusCode.NotDirectory)]
    [InlineData("/a/f/", StatusCode.NotDirectory)]
    [InlineData("/filelink/", StatusCode.NotDirectory)]
    [InlineData("/filelink/x", StatusCode.NotDirectory)]
    [InlineData("/dangling", StatusCode.NotFound)]
    [InlineData("/loop", StatusCode.TooManySymlinks)]
    [InlineData("/loop/x", StatusCode.TooManySymlinks)]
    public async Task Refuses(string path, StatusCode code)
    {
        var fs = await TreeAsync();
        Assert.Equal(code, (await fs.ResolveAsync(path)).Code);
    }

    [Fact]
    public async Task Keeps_the_last_symlink_unless_asked_and_counts_forty()
    {
        var fs = await TreeAsync();
        Assert.Equal(10, (int)(await fs.ResolveAsync("/dangling", followLast: false)).Value.Type);
        var before = "/a";
        for (var i = 0; i < 41; i++)
        {
            await fs.SymlinkAsync(InodeId.Root, $"l{i}", before);
            before = $"/l{i}";
        }

        Assert.Equal(StatusCode.Ok, (await fs.ResolveAsync("/l39")).Code);
        Assert.Equal(StatusCode.TooManySymlinks, (await fs.ResolveAsync("/l40")).Code);
    }

    [Fact]
    public async Task Bounds_components_and_paths()
    {
        var fs = await TreeAsync();
        Assert.Equal(StatusCode.NameTooLong, (await fs.ResolveAsync("/" + new string('n', 256))).Code);
        Assert.Equal(StatusCode.NameTooLong, (await fs.ResolveAsync(string.Concat(Enumerable.Repeat("/a", 2048)))).Code);
    }

    [Fact]
    public async Task Needs_search_permission_on_the_way()
    {
        var fs = await TreeAsync();
        await fs.ChmodAsync((await fs.ResolveAsync("/a")).Value.Id, 0x1B6);
        Assert.Equal(StatusCode.AccessDenied, (await fs.ResolveAsync("/a/f", context: fs.As(5))).Code);
        Assert.Equal(StatusCode.Ok, (await fs.ResolveAsync("/a", context: fs.As(5))).Code);
        Assert.Equal(StatusCode.Ok, (await fs.ResolveAsync("/a/f")).Code);
    }

    private static async Task<MetaHarness> TreeAsync()
    {
        var fs = await MetaHarness.CreateAsync();
        var a = await fs.MkdirAsync(InodeId.Root, "a");
        var b = await fs.MkdirAsync(a.Id, "b");
        await fs.FileAsync(a.Id, "f");
        await fs.SymlinkAsync(InodeId.Root, "abs", "/a");
        await fs.SymlinkAsync(a.Id, "rel", "../a");
        await fs.SymlinkAsync(b.Id, "up", "..");
        await fs.SymlinkAsync(InodeId.Root, "filelink", "a/f");
        await fs.SymlinkAsync(InodeId.Root, "dangling", "nowhere");
        await fs.SymlinkAsync(InodeId.Root, "loop", "loop");
        return fs;
    }
}
