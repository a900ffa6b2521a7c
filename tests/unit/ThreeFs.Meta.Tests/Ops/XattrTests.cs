using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Tests.Support;
using static ThreeFs.Meta.Tests.Support.MetaHarness;

namespace ThreeFs.Meta.Tests.Ops;

public sealed class XattrTests
{
    [Fact]
    public async Task Set_get_list_remove()
    {
        var fs = await MetaHarness.CreateAsync();
        var file = await fs.FileAsync(InodeId.Root, "f");
        Assert.Equal(StatusCode.NoSuchAttribute, (await fs.A.GetXattrAsync(fs.Root, file.Id, Name("user.a"), default)).Code);
        Assert.Equal(StatusCode.NoSuchAttribute, await SetAsync(fs, fs.Root, file.Id, "user.a", 2));
        Assert.Equal(StatusCode.Ok, await SetAsync(fs, fs.Root, file.Id, "user.a", 1));
        Assert.Equal(StatusCode.AlreadyExists, await SetAsync(fs, fs.Root, file.Id, "user.a", 1));
        Assert.Equal(StatusCode.Ok, await SetAsync(fs, fs.Root, file.Id, "user.b", 0, []));
        Assert.Equal("value"u8.ToArray(), (await fs.B.GetXattrAsync(fs.Root, file.Id, Name("user.a"), default)).Value.ToArray());
        Assert.Equal(0, (await fs.B.GetXattrAsync(fs.Root, file.Id, Name("user.b"), default)).Value.Length);
        var names = (await fs.A.ListXattrAsync(fs.Root, file.Id, default)).Value;
        Assert.Equal(["user.a", "user.b"], names.Select(n => n.ToString()));
        Assert.Equal(StatusCode.Ok, (await fs.A.RemoveXattrAsync(fs.Root, file.Id, Name("user.a"), default)).Code);
        Assert.Equal(StatusCode.NoSuchAttribute, (await fs.A.RemoveXattrAsync(fs.Root, file.Id, Name("user.a"), default)).Code);
        Assert.True((await fs.StatAsync(file.Id)).ChangeTime.CompareTo(file.ChangeTime) > 0);
    }

    [Fact]
    public async Task Name_spaces_have_their_rules()
    {
        var fs = await MetaHarness.CreateAsync();
        var file = await fs.FileAsync(InodeId.Root, "f", mode: 0x1A4);
        var link = await fs.SymlinkAsync(InodeId.Root, "l", "x");
        var sticky = await fs.MkdirAsync(InodeId.Root, "t", mode: 0x3FF);
        Assert.Equal(StatusCode.AccessDenied, await SetAsync(fs, fs.As(5), file.Id, "user.a"));
        Assert.Equal(StatusCode.NotPermitted, await SetAsync(fs, fs.As(5), file.Id, "trusted.a"));
        Assert.Equal(StatusCode.NotPermitted, await SetAsync(fs, fs.As(5), file.Id, "security.a"));
        Assert.Equal(StatusCode.NotSupported, await SetAsync(fs, fs.Root, file.Id, "system.posix_acl_access"));
        Assert.Equal(StatusCode.InvalidArgument, await SetAsync(fs, fs.Root, file.Id, "user."));
        Assert.Equal(StatusCode.NotPermitted, await SetAsync(fs, fs.Root, link.Id, "user.a"));
        Assert.Equal(StatusCode.NotPermitted, await SetAsync(fs, fs.As(5), sticky.Id, "user.a"));
        Assert.Equal(StatusCode.Ok, await SetAsync(fs, fs.Root, file.Id, "trusted.a"));
        Assert.Equal(StatusCode.Ok, await SetAsync(fs, fs.Root, file.Id, "security.a"));
        Assert.Equal(StatusCode.NoSuchAttribute, (await fs.A.GetXattrAsync(fs.As(5), file.Id, Name("trusted.a"), default)).Code);
        Assert.Equal(StatusCode.Ok, (await fs.A.GetXattrAsync(fs.As(5), file.Id, Name("security.a"), default)).Code);
        Assert.Equal(["security.a"], (await fs.A.ListXattrAsync(fs.As(5), file.Id, default)).Value.Select(n => n.ToString()));
    }

    [Fact]
    public async Task Sizes_have_bounds()
    {
        var fs = await MetaHarness.CreateAsync();
        var file = await fs.FileAsync(InodeId.Root, "f");
        Assert.Equal(StatusCode.Ok, await SetAsync(fs, fs.Root, file.Id, "user.max", 0, new byte[65536]));
        Assert.Equal(65536, (await fs.A.GetXattrAsync(fs.Root, file.Id, Name("user.max"), default)).Value.Length);
        Assert.Equal(StatusCode.InvalidArgument, await SetAsync(fs, fs.Root, file.Id, "user.more", 0, new byte[65537]));
        Assert.Equal(StatusCode.NameTooLong, await SetAsync(fs, fs.Root, file.Id, "user." + new string('n', 251)));
        var code = StatusCode.Ok;
        for (var i = 0; code == StatusCode.Ok && i < 1000; i++)
            code = await SetAsync(fs, fs.Root, file.Id, $"user.{i:d4}" + new string('n', 240));
        Assert.Equal(StatusCode.NoSpace, code);
    }

    private static async Task<StatusCode> SetAsync(
        MetaHarness fs, MetaContext context, InodeId inode, string name, int mode = 0, byte[]? value = null) =>
        (await fs.A.SetXattrAsync(context, inode, Name(name), value ?? "value"u8.ToArray(), mode, default)).Code;
}
