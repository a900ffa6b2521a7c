using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Tests.Support;
using static ThreeFs.Meta.Tests.Support.MetaHarness;

namespace ThreeFs.Meta.Tests.Ops;

public sealed class LinkTests
{
    [Fact]
    public async Task Gives_another_name_to_all_but_directories()
    {
        var fs = await MetaHarness.CreateAsync();
        var file = await fs.FileAsync(InodeId.Root, "f");
        var symlink = await fs.SymlinkAsync(InodeId.Root, "l", "f");
        var dir = await fs.MkdirAsync(InodeId.Root, "d");
        var linked = (await fs.A.LinkAsync(fs.Root, file.Id, dir.Id, Name("f2"), default)).Value;
        Assert.Equal(2u, linked.LinkCount);
        Assert.True(linked.ChangeTime.CompareTo(file.ChangeTime) > 0);
        Assert.Equal(linked.ChangeTime, (await fs.StatAsync(dir.Id)).ModifyTime);
        Assert.Equal(2u, (await fs.A.LinkAsync(fs.Root, symlink.Id, dir.Id, Name("l2"), default)).Value.LinkCount);
        Assert.Equal(StatusCode.NotPermitted, (await fs.A.LinkAsync(fs.Root, dir.Id, InodeId.Root, Name("d2"), default)).Code);
        Assert.Equal(StatusCode.AlreadyExists, (await fs.A.LinkAsync(fs.Root, file.Id, InodeId.Root, Name("l"), default)).Code);
        Assert.Equal(StatusCode.NotFound, (await fs.A.LinkAsync(fs.Root, new InodeId(99), InodeId.Root, Name("x"), default)).Code);
    }

    [Fact]
    public async Task A_removed_file_gets_no_new_name()
    {
        var fs = await MetaHarness.CreateAsync();
        var file = await fs.FileAsync(InodeId.Root, "f");
        Assert.Equal(0u, (await fs.A.UnlinkAsync(fs.Root, InodeId.Root, Name("f"), null, default)).Value.LinkCount);
        Assert.Equal(StatusCode.NotFound, (await fs.A.LinkAsync(fs.Root, file.Id, InodeId.Root, Name("f"), default)).Code);
    }

    [Fact]
    public async Task Counts_end_somewhere()
    {
        var fs = await MetaHarness.CreateAsync();
        var file = await fs.FileAsync(InodeId.Root, "f");
        await SetLinksAsync(fs, file with { LinkCount = Posix.PosixLimits.MaxLinks });
        Assert.Equal(StatusCode.TooManyLinks, (await fs.A.LinkAsync(fs.Root, file.Id, InodeId.Root, Name("g"), default)).Code);
    }

    private static async Task SetLinksAsync(MetaHarness fs, InodeAttr record)
    {
        using var tx = fs.Store.BeginTransaction();
        tx.Set(Meta.Records.MetaKeys.Inode(record.Id), Meta.Records.InodeRecord.Encode(record));
        (await tx.CommitAsync()).ThrowIfFailed();
    }
}
