using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Tests.Support;
using ThreeFs.Meta.Transactions;
using static ThreeFs.Meta.Tests.Support.MetaHarness;

namespace ThreeFs.Meta.Tests.Ops;

public sealed class RenameTests
{
    [Fact]
    public async Task Moves_a_directory_with_its_parent_and_counts()
    {
        var fs = await MetaHarness.CreateAsync();
        var a = await fs.MkdirAsync(InodeId.Root, "a");
        var b = await fs.MkdirAsync(InodeId.Root, "b");
        var sub = await fs.MkdirAsync(a.Id, "sub");
        var moved = (await RenameAsync(fs, a.Id, "sub", b.Id, "new")).Value.Moved;
        Assert.Equal((sub.Id, b.Id), (moved.Id, moved.Parent));
        Assert.Equal((2u, 3u), ((await fs.StatAsync(a.Id)).LinkCount, (await fs.StatAsync(b.Id)).LinkCount));
        Assert.Equal(moved.ChangeTime, (await fs.StatAsync(a.Id)).ModifyTime);
        Assert.Equal(moved.ChangeTime, (await fs.StatAsync(b.Id)).ModifyTime);
        Assert.Equal(b.Id, (await fs.A.LookupAsync(fs.Root, sub.Id, Name(".."), default)).Value.Id);
    }

    [Fact]
    public async Task Replaces_by_type()
    {
        var fs = await MetaHarness.CreateAsync();
        await fs.FileAsync(InodeId.Root, "f1");
        var f2 = await fs.FileAsync(InodeId.Root, "f2");
        await fs.MkdirAsync(InodeId.Root, "empty");
        var full = await fs.MkdirAsync(InodeId.Root, "full");
        await fs.FileAsync(full.Id, "x");
        await fs.MkdirAsync(InodeId.Root, "dir");
        Assert.Equal(StatusCode.IsDirectory, (await RenameAsync(fs, InodeId.Root, "f1", InodeId.Root, "empty")).Code);
        Assert.Equal(StatusCode.NotDirectory, (await RenameAsync(fs, InodeId.Root, "dir", InodeId.Root, "f1")).Code);
        Assert.Equal(StatusCode.NotEmpty, (await RenameAsync(fs, InodeId.Root, "dir", InodeId.Root, "full")).Code);
        var replacedDirectory = (await RenameAsync(fs, InodeId.Root, "dir", InodeId.Root, "empty")).Value.Replaced!;
        Assert.Equal(StatusCode.NotFound, await fs.CodeOfAsync(replacedDirectory.Id));
        Assert.Equal(4u, (await fs.StatAsync(InodeId.Root)).LinkCount);
        var replaced = (await RenameAsync(fs, InodeId.Root, "f1", InodeId.Root, "f2")).Value.Replaced!;
        Assert.Equal((f2.Id, 0u), (replaced.Id, replaced.LinkCount));
        Assert.Equal(["empty", "f2", "full"], await fs.NamesAsync(InodeId.Root));
    }

    [Fact]
    public async Task Two_names_of_one_inode_stay()
    {
        var fs = await MetaHarness.CreateAsync();
        var file = await fs.FileAsync(InodeId.Root, "f");
        await fs.A.LinkAsync(fs.Root, file.Id, InodeId.Root, Name("g"), default);
        var before = await fs.StatAsync(InodeId.Root);
        var result = (await RenameAsync(fs, InodeId.Root, "f", InodeId.Root, "g")).Value;
        Assert.Equal((2u, null), (result.Moved.LinkCount, result.Replaced));
        Assert.Equal(["f", "g"], await fs.NamesAsync(InodeId.Root));
        Assert.Equal(before, await fs.StatAsync(InodeId.Root));
    }

    [Fact]
    public async Task Flags()
    {
        var fs = await MetaHarness.CreateAsync();
        var a = await fs.MkdirAsync(InodeId.Root, "a");
        var file = await fs.FileAsync(a.Id, "f");
        var dir = await fs.MkdirAsync(InodeId.Root, "d");
        Assert.Equal(StatusCode.AlreadyExists, (await RenameAsync(fs, a.Id, "f", InodeId.Root, "d", RenameFlags.NoReplace)).Code);
        Assert.Equal(StatusCode.NotFound, (await RenameAsync(fs, a.Id, "f", InodeId.Root, "x", RenameFlags.Exchange)).Code);
        Assert.Equal(StatusCode.InvalidArgument,
            (await RenameAsync(fs, a.Id, "f", InodeId.Root, "x", RenameFlags.Exchange | RenameFlags.NoReplace)).Code);
        Assert.Equal(StatusCode.Ok, (await RenameAsync(fs, a.Id, "f", InodeId.Root, "d", RenameFlags.Exchange)).Code);
        Assert.Equal(file.Id, (await fs.A.LookupAsync(fs.Root, InodeId.Root, Name("d"), default)).Value.Id);
        Assert.Equal(dir.Id, (await fs.A.LookupAsync(fs.Root, a.Id, Name("f"), default)).Value.Id);
        Assert.Equal(a.Id, (await fs.StatAsync(dir.Id)).Parent);
        Assert.Equal((3u, 3u), ((await fs.StatAsync(InodeId.Root)).LinkCount, (await fs.StatAsync(a.Id)).LinkCount));
    }

    [Fact]
    public async Task A_directory_does_not_get_below_itself()
    {
        var fs = await MetaHarness.CreateAsync();
        var a = await fs.MkdirAsync(InodeId.Root, "a");
        var b = await fs.MkdirAsync(a.Id, "b");
        var c = await fs.MkdirAsync(b.Id, "c");
        Assert.Equal(StatusCode.InvalidArgument, (await RenameAsync(fs, InodeId.Root, "a", a.Id, "x")).Code);
        Assert.Equal(StatusCode.InvalidArgument, (await RenameAsync(fs, InodeId.Root, "a", c.Id, "x")).Code);
        Assert.Equal(StatusCode.NotEmpty, (await RenameAsync(fs, b.Id, "c", InodeId.Root, "a")).Code);
        await fs.MkdirAsync(InodeId.Root, "z");
        Assert.Equal(StatusCode.InvalidArgument, (await RenameAsync(fs, InodeId.Root, "a", b.Id, "c", RenameFlags.Exchange)).Code);
        Assert.Equal(StatusCode.InvalidArgument, (await RenameAsync(fs, b.Id, "c", InodeId.Root, "a", RenameFlags.Exchange)).Code);
    }

    [Fact]
    public async Task Moves_that_would_make_a_ring_together_conflict()
    {
        var fs = await MetaHarness.CreateAsync();
        var a = await fs.MkdirAsync(InodeId.Root, "a");
        var b = await fs.MkdirAsync(InodeId.Root, "b");
        var d = await fs.MkdirAsync(b.Id, "d");
        using var first = fs.Store.BeginTransaction();
        using var second = fs.Store.BeginTransaction();
        var now = FileTime.From(fs.Time.GetUtcNow());
        var one = await new Meta.Ops.Rename(InodeId.Root, Name("a"), d.Id, Name("x"), default, default)
            .RunAsync(new MetaTransaction(first, first, fs.Root, now));
        var two = await new Meta.Ops.Rename(InodeId.Root, Name("b"), a.Id, Name("y"), default, default)
            .RunAsync(new MetaTransaction(second, second, fs.Root, now));
        Assert.True(one.IsOk && two.IsOk);
        Assert.Equal(StatusCode.Ok, (await first.CommitAsync()).Code);
        Assert.Equal(StatusCode.TxConflict, (await second.CommitAsync()).Code);
    }

    [Fact]
    public async Task Needs_permission_on_both_sides_and_on_a_directory_that_moves()
    {
        var fs = await MetaHarness.CreateAsync();
        var mine = await fs.MkdirAsync(InodeId.Root, "mine");
        var locked = await fs.MkdirAsync(InodeId.Root, "locked", mode: 0x1ED);
        var sticky = await fs.MkdirAsync(InodeId.Root, "sticky", mode: 0x3FF);
        await fs.MkdirAsync(mine.Id, "foreign", mode: 0x1ED);
        await fs.FileAsync(mine.Id, "f", context: fs.As(5));
        await fs.FileAsync(sticky.Id, "theirs", context: fs.As(6));
        Assert.Equal(StatusCode.AccessDenied, (await RenameAsync(fs, mine.Id, "f", locked.Id, "f", context: fs.As(5))).Code);
        Assert.Equal(StatusCode.AccessDenied, (await RenameAsync(fs, mine.Id, "foreign", sticky.Id, "x", context: fs.As(5))).Code);
        Assert.Equal(StatusCode.Ok, (await RenameAsync(fs, mine.Id, "foreign", mine.Id, "x", context: fs.As(5))).Code);
        Assert.Equal(StatusCode.NotPermitted, (await RenameAsync(fs, mine.Id, "f", sticky.Id, "theirs", context: fs.As(5))).Code);
        Assert.Equal(StatusCode.NotPermitted, (await RenameAsync(fs, sticky.Id, "theirs", mine.Id, "x2", context: fs.As(5))).Code);
        Assert.Equal(StatusCode.Ok, (await RenameAsync(fs, mine.Id, "f", sticky.Id, "f", context: fs.As(5))).Code);
    }

    private static async Task<Result<RenameResult>> RenameAsync(
        MetaHarness fs, InodeId parent, string name, InodeId newParent, string newName, RenameFlags flags = RenameFlags.None,
        MetaContext? context = null) =>
        await fs.A.RenameAsync(context ?? fs.Root, parent, Name(name), newParent, Name(newName), flags, default);
}
