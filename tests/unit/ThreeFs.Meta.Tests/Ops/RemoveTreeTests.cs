using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Tests.Support;
using static ThreeFs.Meta.Tests.Support.MetaHarness;

namespace ThreeFs.Meta.Tests.Ops;

public sealed class RemoveTreeTests
{
    [Fact]
    public async Task Disappears_at_once_and_is_worked_off_later()
    {
        var fs = await MetaHarness.CreateAsync();
        var outside = await fs.FileAsync(InodeId.Root, "outside");
        var top = await fs.MkdirAsync(InodeId.Root, "top");
        var at = top;
        for (var depth = 0; depth < 5; depth++)
        {
            for (var i = 0; i < 100; i++) await fs.FileAsync(at.Id, $"f{i}");
            at = await fs.MkdirAsync(at.Id, "sub");
        }

        var open = await fs.OpenWriterAsync(at.Id, "open", fs.NewSession());
        await fs.A.LinkAsync(fs.Root, outside.Id, at.Id, Name("linked"), default);
        Assert.Equal(StatusCode.Ok, (await fs.A.RemoveTreeAsync(fs.Root, InodeId.Root, Name("top"), default)).Code);
        Assert.Equal(["outside"], await fs.NamesAsync(InodeId.Root));
        Assert.Equal(StatusCode.NotFound, (await fs.A.MakeNodeAsync(
            fs.Root, top.Id, Name("late"), new NewInode(InodeType.File, 0x1B6), default)).Code);
        await fs.CollectAsync();
        Assert.Equal(1u, (await fs.StatAsync(outside.Id)).LinkCount);
        Assert.Equal(0u, (await fs.StatAsync(open.Id)).LinkCount);
        Assert.Equal(3, await fs.InodesAsync());
        Assert.Equal(2u, (await fs.StatAsync(InodeId.Root)).LinkCount);
    }

    [Fact]
    public async Task Is_for_who_could_have_removed_everything()
    {
        var fs = await MetaHarness.CreateAsync();
        await fs.ChmodAsync(InodeId.Root, 0x1FF);
        var top = await fs.MkdirAsync(InodeId.Root, "top", context: fs.As(5));
        Assert.Equal(StatusCode.NotPermitted, (await fs.A.RemoveTreeAsync(fs.As(6), InodeId.Root, Name("top"), default)).Code);
        var sub = await fs.MkdirAsync(top.Id, "sub", mode: 0x1ED);
        Assert.Equal(StatusCode.AccessDenied, (await fs.A.RemoveTreeAsync(fs.As(5), InodeId.Root, Name("top"), default)).Code);
        await fs.ChmodAsync(sub.Id, 0x1FF);
        await fs.FileAsync(InodeId.Root, "f");
        Assert.Equal(StatusCode.NotDirectory, (await fs.A.RemoveTreeAsync(fs.As(5), InodeId.Root, Name("f"), default)).Code);
        Assert.Equal(StatusCode.Ok, (await fs.A.RemoveTreeAsync(fs.As(5), InodeId.Root, Name("top"), default)).Code);
    }

    [Fact]
    public async Task Nothing_is_moved_into_what_was_removed()
    {
        var fs = await MetaHarness.CreateAsync();
        var top = await fs.MkdirAsync(InodeId.Root, "top");
        var sub = await fs.MkdirAsync(top.Id, "sub");
        await fs.MkdirAsync(InodeId.Root, "precious");
        await fs.A.RemoveTreeAsync(fs.Root, InodeId.Root, Name("top"), default);
        var moved = await fs.A.RenameAsync(fs.Root, InodeId.Root, Name("precious"), sub.Id, Name("x"), RenameFlags.None, default);
        Assert.Equal(StatusCode.NotFound, moved.Code);
    }
}
