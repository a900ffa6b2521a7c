using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Tests.Support;

namespace ThreeFs.Meta.Tests.Ops;

public sealed class InitializeTests
{
    [Fact]
    public async Task Makes_the_root_once()
    {
        var fs = await MetaHarness.CreateAsync();
        await fs.MkdirAsync(InodeId.Root, "d");
        var before = await fs.StatAsync(InodeId.Root);
        (await fs.B.InitializeAsync(default)).ThrowIfFailed();
        var root = await fs.StatAsync(InodeId.Root);
        Assert.Equal(before, root);
        Assert.Equal((InodeType.Directory, 0x1EDu, 0u, 3u), (root.Type, root.Mode, root.Uid, root.LinkCount));
        Assert.Equal(fs.Options.RootLayout, root.Layout);
    }

    [Fact]
    public async Task Refuses_a_layout_that_cannot_be()
    {
        var options = new MetaServiceOptions { RootLayout = new Layout(new ChainTableId(1), default, 12345, 1, 0, 0) };
        var error = await Assert.ThrowsAsync<StatusException>(() => MetaHarness.CreateAsync(options: options));
        Assert.Equal(StatusCode.InvalidLayout, error.Status.Code);
    }
}
