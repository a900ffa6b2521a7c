using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Tests.Support;
using static ThreeFs.Meta.Tests.Support.MetaHarness;

namespace ThreeFs.Meta.Tests.Ops;

public sealed class ReadDirectoryTests
{
    [Fact]
    public async Task Pages_in_byte_order_with_attributes()
    {
        var fs = await MetaHarness.CreateAsync();
        var dir = await fs.MkdirAsync(InodeId.Root, "d");
        var names = Enumerable.Range(0, 500).Select(i => $"{i * 7919 % 500:x}").ToHashSet();
        foreach (var name in names) await fs.FileAsync(dir.Id, name);
        var sub = await fs.MkdirAsync(dir.Id, "sub");
        await fs.MkdirAsync(sub.Id, "below");
        var seen = new List<DirEntry>();
        FileName? after = null;
        var pages = 0;
        while (true)
        {
            var page = (await fs.B.ReadDirectoryAsync(fs.Root, dir.Id, after, 64, true, default)).Value;
            seen.AddRange(page.Entries);
            pages++;
            if (page.End) break;
            after = page.Entries[^1].Name;
        }

        Assert.Equal(names.Append("sub").Order(StringComparer.Ordinal), seen.Select(e => e.Name.ToString()));
        Assert.True(pages >= 8);
        Assert.All(seen, e => Assert.Equal((e.Inode, e.Type), (e.Attr!.Id, e.Attr.Type)));
        Assert.Equal(3u, seen.Single(e => e.Type == InodeType.Directory).Attr!.LinkCount);
    }

    [Fact]
    public async Task Changes_between_pages_neither_repeat_nor_hide_others()
    {
        var fs = await MetaHarness.CreateAsync();
        foreach (var name in new[] { "a", "c", "e" }) await fs.FileAsync(InodeId.Root, name);
        var first = (await fs.A.ReadDirectoryAsync(fs.Root, InodeId.Root, null, 2, false, default)).Value;
        await fs.FileAsync(InodeId.Root, "b");
        await fs.A.UnlinkAsync(fs.Root, InodeId.Root, Name("c"), null, default);
        var rest = (await fs.A.ReadDirectoryAsync(fs.Root, InodeId.Root, Name("c"), 9, false, default)).Value;
        Assert.Equal(["a", "c", "e"], first.Entries.Concat(rest.Entries).Select(e => e.Name.ToString()));
        Assert.Null(first.Entries[0].Attr);
    }

    [Fact]
    public async Task Refuses_what_posix_refuses()
    {
        var fs = await MetaHarness.CreateAsync();
        var dir = await fs.MkdirAsync(InodeId.Root, "d", mode: 0x1D1);
        var file = await fs.FileAsync(InodeId.Root, "f");
        Assert.Equal(StatusCode.AccessDenied, (await fs.A.ReadDirectoryAsync(fs.As(5), dir.Id, null, 9, false, default)).Code);
        Assert.Equal(StatusCode.NotDirectory, (await fs.A.ReadDirectoryAsync(fs.Root, file.Id, null, 9, false, default)).Code);
        Assert.Equal(StatusCode.NotFound, (await fs.A.ReadDirectoryAsync(fs.Root, new InodeId(99), null, 9, false, default)).Code);
    }
}
