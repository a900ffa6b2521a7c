using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Tests.Support;
using static ThreeFs.Meta.Tests.Support.MetaHarness;

namespace ThreeFs.Meta.Tests.Ops;

public sealed class UnlinkTests
{
    [Fact]
    public async Task Takes_one_name()
    {
        var fs = await MetaHarness.CreateAsync();
        var file = await fs.FileAsync(InodeId.Root, "f");
        await fs.A.LinkAsync(fs.Root, file.Id, InodeId.Root, Name("g"), default);
        Assert.Equal(1u, (await fs.A.UnlinkAsync(fs.Root, InodeId.Root, Name("f"), null, default)).Value.LinkCount);
        Assert.Equal(["g"], await fs.NamesAsync(InodeId.Root));
        var gone = (await fs.A.UnlinkAsync(fs.Root, InodeId.Root, Name("g"), null, default)).Value;
        Assert.Equal(0u, gone.LinkCount);
        Assert.Equal(gone.ChangeTime, (await fs.StatAsync(InodeId.Root)).ModifyTime);
        Assert.Equal(0u, (await fs.StatAsync(file.Id)).LinkCount);
    }

    [Fact]
    public async Task What_has_no_content_goes_at_once()
    {
        var fs = await MetaHarness.CreateAsync();
        var link = await fs.SymlinkAsync(InodeId.Root, "l", "x");
        await fs.A.UnlinkAsync(fs.Root, InodeId.Root, Name("l"), null, default);
        Assert.Equal(StatusCode.NotFound, await fs.CodeOfAsync(link.Id));
        Assert.Equal(1, await fs.InodesAsync());
    }

    [Fact]
    public async Task Refuses_what_posix_refuses()
    {
        var fs = await MetaHarness.CreateAsync();
        var dir = await fs.MkdirAsync(InodeId.Root, "d", mode: 0x1ED);
        await fs.FileAsync(dir.Id, "f");
        Assert.Equal(StatusCode.IsDirectory, await UnlinkAsync(fs.Root, InodeId.Root, "d"));
        Assert.Equal(StatusCode.NotFound, await UnlinkAsync(fs.Root, dir.Id, "x"));
        Assert.Equal(StatusCode.AccessDenied, await UnlinkAsync(fs.As(5), dir.Id, "f"));
        Assert.Equal(StatusCode.InvalidArgument, await UnlinkAsync(fs.Root, dir.Id, "."));

        async Task<StatusCode> UnlinkAsync(MetaContext context, InodeId parent, string name) =>
            (await fs.A.UnlinkAsync(context, parent, Name(name), null, default)).Code;
    }

    [Fact]
    public async Task A_sticky_directory_protects_entries_of_others()
    {
        var fs = await MetaHarness.CreateAsync();
        var tmp = await fs.MkdirAsync(InodeId.Root, "tmp", mode: 0x3FF);
        await fs.FileAsync(tmp.Id, "f", context: fs.As(5));
        Assert.Equal(StatusCode.NotPermitted, (await fs.A.UnlinkAsync(fs.As(6), tmp.Id, Name("f"), null, default)).Code);
        Assert.Equal(StatusCode.Ok, (await fs.A.UnlinkAsync(fs.As(5), tmp.Id, Name("f"), null, default)).Code);
    }

    [Theory]
    [InlineData(InodeFlags.Immutable)]
    [InlineData(InodeFlags.AppendOnly)]
    public async Task Frozen_inodes_stay(InodeFlags flags)
    {
        var fs = await MetaHarness.CreateAsync();
        var file = await fs.FileAsync(InodeId.Root, "f");
        var change = new AttrChange(SetAttrMask.Flags) { Flags = flags };
        Assert.Equal(StatusCode.NotPermitted, (await fs.A.SetAttrAsync(fs.As(5), file.Id, change, default)).Code);
        Assert.Equal(flags, (await fs.A.SetAttrAsync(fs.Root, file.Id, change, default)).Value.Flags);
        Assert.Equal(StatusCode.NotPermitted, (await fs.A.UnlinkAsync(fs.Root, InodeId.Root, Name("f"), null, default)).Code);
        Assert.Equal(StatusCode.NotPermitted, (await fs.A.LinkAsync(fs.Root, file.Id, InodeId.Root, Name("g"), default)).Code);
        Assert.Equal(StatusCode.NotPermitted,
            (await fs.A.RenameAsync(fs.Root, InodeId.Root, Name("f"), InodeId.Root, Name("g"), RenameFlags.None, default)).Code);
        Assert.Equal(StatusCode.NotPermitted, (await fs.A.OpenAsync(fs.Root, file.Id, OpenFlags.Write, fs.NewSession(), default)).Code);
        Assert.Equal(StatusCode.NotPermitted, (await fs.TruncateAsync(file.Id, 10)).Code);
        Assert.Equal(StatusCode.NotPermitted, await fs.ChmodAsync(file.Id, 0));
        var append = await fs.A.OpenAsync(fs.Root, file.Id, OpenFlags.Write | OpenFlags.Append, fs.NewSession(), default);
        Assert.Equal(flags == InodeFlags.AppendOnly, append.IsOk);
        await fs.A.SetAttrAsync(fs.Root, file.Id, new AttrChange(SetAttrMask.Flags), default);
        Assert.Equal(StatusCode.Ok, (await fs.A.UnlinkAsync(fs.Root, InodeId.Root, Name("f"), null, default)).Code);
    }
}
