using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Tests.Support;
using static ThreeFs.Meta.Tests.Support.MetaHarness;

namespace ThreeFs.Meta.Tests.Ops;

public sealed class MakeNodeTests
{
    [Fact]
    public async Task Counts_links_and_moves_times_of_the_parent()
    {
        var fs = await MetaHarness.CreateAsync();
        var dir = await fs.MkdirAsync(InodeId.Root, "d", mode: 0x1ED);
        Assert.Equal(2u, dir.LinkCount);
        Assert.Equal(0x1EDu, dir.Mode);
        await fs.MkdirAsync(dir.Id, "s1");
        await fs.MkdirAsync(dir.Id, "s2");
        var file = await fs.FileAsync(dir.Id, "f");
        var after = await fs.StatAsync(dir.Id);
        Assert.Equal(4u, after.LinkCount);
        Assert.Equal(1u, file.LinkCount);
        Assert.Equal(file.ModifyTime, after.ModifyTime);
        Assert.Equal(file.ModifyTime, after.ChangeTime);
        Assert.True(after.AccessTime.CompareTo(after.ModifyTime) < 0);
        Assert.Equal(5, await fs.InodesAsync());
    }

    [Fact]
    public async Task Refuses_what_posix_refuses()
    {
        var fs = await MetaHarness.CreateAsync();
        var open = await fs.MkdirAsync(InodeId.Root, "open");
        var closed = await fs.MkdirAsync(InodeId.Root, "closed", mode: 0x1ED);
        var file = await fs.FileAsync(InodeId.Root, "f");
        Assert.Equal(StatusCode.AlreadyExists, await MakeAsync(fs.Root, InodeId.Root, "f"));
        Assert.Equal(StatusCode.AlreadyExists, await MakeAsync(fs.Root, open.Id, "."));
        Assert.Equal(StatusCode.AlreadyExists, await MakeAsync(fs.Root, open.Id, ".."));
        Assert.Equal(StatusCode.NotDirectory, await MakeAsync(fs.Root, file.Id, "x"));
        Assert.Equal(StatusCode.NotFound, await MakeAsync(fs.Root, new InodeId(99), "x"));
        Assert.Equal(StatusCode.NameTooLong, await MakeAsync(fs.Root, open.Id, new string('n', 256)));
        Assert.Equal(StatusCode.AccessDenied, await MakeAsync(fs.As(7), closed.Id, "x"));
        Assert.Equal(StatusCode.AlreadyExists, await MakeAsync(fs.As(7), InodeId.Root, "f"));
        Assert.Equal(StatusCode.NotPermitted, await MakeAsync(fs.As(7), open.Id, "dev", InodeType.CharDevice));
        Assert.Equal(StatusCode.Ok, await MakeAsync(fs.As(7), open.Id, "fifo", InodeType.Fifo));
        Assert.Equal(StatusCode.InvalidArgument, await MakeAsync(fs.Root, open.Id, "odd", (InodeType)5));

        async Task<StatusCode> MakeAsync(MetaContext context, InodeId parent, string name, InodeType type = InodeType.Directory) =>
            (await fs.A.MakeNodeAsync(context, parent, Name(name), new NewInode(type, 0x1FF), default)).Code;
    }

    [Fact]
    public async Task Devices_and_symlinks_keep_what_they_carry()
    {
        var fs = await MetaHarness.CreateAsync();
        var device = (await fs.A.MakeNodeAsync(
            fs.Root, InodeId.Root, Name("dev"), new NewInode(InodeType.BlockDevice, 0x180) { Device = 0x801 }, default)).Value;
        Assert.Equal(0x801ul, (await fs.StatAsync(device.Id)).Device);
        var link = await fs.SymlinkAsync(InodeId.Root, "l", "some/where");
        Assert.Equal(10, (await fs.StatAsync(link.Id)).Length);
        Assert.Equal(0x1FFu, link.Mode);
        Assert.Equal("some/where"u8.ToArray(), (await fs.StatAsync(link.Id)).SymlinkTarget.ToArray());
        Assert.Equal(StatusCode.NotFound, (await fs.A.MakeNodeAsync(fs.Root, InodeId.Root, Name("e"), Symlink(""), default)).Code);
        Assert.Equal(StatusCode.Ok,
            (await fs.A.MakeNodeAsync(fs.Root, InodeId.Root, Name("m"), Symlink(new string('t', 4095)), default)).Code);
        Assert.Equal(StatusCode.NameTooLong,
            (await fs.A.MakeNodeAsync(fs.Root, InodeId.Root, Name("t"), Symlink(new string('t', 4096)), default)).Code);
    }

    [Fact]
    public async Task A_set_group_id_directory_passes_on_its_group()
    {
        var fs = await MetaHarness.CreateAsync();
        var dir = await fs.MkdirAsync(InodeId.Root, "d");
        await fs.A.SetAttrAsync(fs.Root, dir.Id, new AttrChange(SetAttrMask.Gid | SetAttrMask.Mode) { Gid = 50, Mode = 0x5FF }, default);
        var file = await fs.FileAsync(dir.Id, "f", mode: 0x1FF, fs.As(7));
        var sub = await fs.MkdirAsync(dir.Id, "s", mode: 0x1ED, fs.As(7));
        var program = await fs.FileAsync(dir.Id, "p", mode: 0x5F8, fs.As(7));
        var member = await fs.FileAsync(dir.Id, "m", mode: 0x5F8, fs.As(7, 50));
        Assert.Equal((7u, 50u), (file.Uid, file.Gid));
        Assert.Equal((50u, 0x5EDu), (sub.Gid, sub.Mode));
        Assert.Equal(0x1F8u, program.Mode);
        Assert.Equal(0x5F8u, member.Mode);
    }

    [Fact]
    public async Task Files_get_a_layout_from_their_directory()
    {
        var fs = await MetaHarness.CreateAsync();
        var first = (await fs.FileAsync(InodeId.Root, "a")).Layout!;
        var second = (await fs.FileAsync(InodeId.Root, "b")).Layout!;
        Assert.Equal((1u, 2u, 1u << 20, 1u), (first.Table.Value, first.TableVersion.Value, first.ChunkSize, first.StripeSize));
        Assert.Equal((first.BaseIndex + 1) % 8, second.BaseIndex);
        Assert.True(Placement.Resolve(first, fs.Routing.Current).IsOk);

        var wide = new Layout(new ChainTableId(1), default, 1 << 16, 100, 0, 0);
        var dir = (await fs.A.MakeNodeAsync(
            fs.Root, InodeId.Root, Name("w"), new NewInode(InodeType.Directory, 0x1FF) { Layout = wide }, default)).Value;
        var below = await fs.MkdirAsync(dir.Id, "sub");
        Assert.Equal(wide, below.Layout);
        Assert.Equal(8u, (await fs.FileAsync(below.Id, "f")).Layout!.StripeSize);

        var bad = new NewInode(InodeType.File, 0x1B6) { Layout = wide with { TableVersion = new ChainTableVersion(9) } };
        Assert.Equal(StatusCode.ChainTableNotFound, (await fs.A.MakeNodeAsync(fs.Root, InodeId.Root, Name("x"), bad, default)).Code);
    }

    [Fact]
    public async Task Without_chains_a_file_waits_and_a_directory_does_not()
    {
        var fs = await MetaHarness.CreateAsync();
        fs.Routing.Current = Contracts.Routing.RoutingInfo.Empty;
        var file = await fs.A.MakeNodeAsync(fs.Root, InodeId.Root, Name("f"), new NewInode(InodeType.File, 0x1B6), default);
        Assert.Equal(StatusCode.RoutingNotReady, file.Code);
        Assert.True(fs.Routing.Refreshes > 0);
        await fs.MkdirAsync(InodeId.Root, "d");
    }
}
