using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Tests.Support;
using static ThreeFs.Meta.Tests.Support.MetaHarness;

namespace ThreeFs.Meta.Tests.Ops;

public sealed class LookupTests
{
    [Fact]
    public async Task Finds_entries_and_dots()
    {
        var fs = await MetaHarness.CreateAsync();
        var a = await fs.MkdirAsync(InodeId.Root, "a");
        var b = await fs.MkdirAsync(a.Id, "b");
        Assert.Equal(b.Id, (await fs.B.LookupAsync(fs.Root, a.Id, Name("b"), default)).Value.Id);
        Assert.Equal(a.Id, (await fs.B.LookupAsync(fs.Root, a.Id, Name("."), default)).Value.Id);
        Assert.Equal(a.Id, (await fs.B.LookupAsync(fs.Root, b.Id, Name(".."), default)).Value.Id);
        Assert.Equal(InodeId.Root, (await fs.B.LookupAsync(fs.Root, InodeId.Root, Name(".."), default)).Value.Id);
    }

    [Fact]
    public async Task Refuses_what_posix_refuses()
    {
        var fs = await MetaHarness.CreateAsync();
        var dir = await fs.MkdirAsync(InodeId.Root, "d", mode: 0x1C0);
        var file = await fs.FileAsync(dir.Id, "f");
        Assert.Equal(StatusCode.NotFound, (await fs.A.LookupAsync(fs.Root, dir.Id, Name("x"), default)).Code);
        Assert.Equal(StatusCode.NotFound, (await fs.A.LookupAsync(fs.Root, new InodeId(999), Name("x"), default)).Code);
        Assert.Equal(StatusCode.NotDirectory, (await fs.A.LookupAsync(fs.Root, file.Id, Name("x"), default)).Code);
        Assert.Equal(StatusCode.AccessDenied, (await fs.A.LookupAsync(fs.As(5), dir.Id, Name("x"), default)).Code);
        Assert.Equal(StatusCode.NameTooLong, (await fs.A.LookupAsync(fs.Root, dir.Id, Name(new string('n', 256)), default)).Code);
        Assert.Equal(StatusCode.NotFound, (await fs.A.LookupAsync(fs.Root, dir.Id, Name(new string('n', 255)), default)).Code);
        Assert.Equal(StatusCode.InvalidArgument, (await fs.A.LookupAsync(fs.Root, dir.Id, Name("a/b"), default)).Code);
    }

    [Fact]
    public async Task Batch_answers_in_order_and_missing_ones_alone()
    {
        var fs = await MetaHarness.CreateAsync();
        var a = await fs.FileAsync(InodeId.Root, "a");
        var result = await fs.A.BatchGetAttrAsync(fs.Root, [a.Id, new InodeId(77), InodeId.Root], default);
        Assert.Equal([StatusCode.Ok, StatusCode.NotFound, StatusCode.Ok], result.Value.Select(r => r.Code));
        Assert.Equal(a.Id, result.Value[0].Value.Id);
    }
}
