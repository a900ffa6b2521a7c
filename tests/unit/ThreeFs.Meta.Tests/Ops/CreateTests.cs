using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Kv;
using ThreeFs.Meta.Allocation;
using ThreeFs.Meta.Ops;
using ThreeFs.Meta.Tests.Support;
using ThreeFs.Meta.Transactions;
using static ThreeFs.Meta.Tests.Support.MetaHarness;

namespace ThreeFs.Meta.Tests.Ops;

public sealed class CreateTests
{
    private static readonly NewInode _file = new(InodeType.File, 0);

    [Fact]
    public async Task Makes_and_opens_whatever_the_mode()
    {
        var fs = await MetaHarness.CreateAsync();
        await fs.ChmodAsync(InodeId.Root, 0x1FF);
        var made = (await fs.A.CreateAsync(fs.As(5), InodeId.Root, Name("f"), _file, OpenFlags.Write, fs.NewSession(), default)).Value;
        Assert.True(made.Created);
        var again = await fs.A.CreateAsync(fs.As(5), InodeId.Root, Name("f"), _file, OpenFlags.Write, fs.NewSession(), default);
        Assert.Equal(StatusCode.AccessDenied, again.Code);
        var none = (await fs.A.CreateAsync(fs.As(5), InodeId.Root, Name("f"), _file, OpenFlags.None, NoSession, default)).Value;
        Assert.False(none.Created);
        Assert.Equal(made.Attr.Id, none.Attr.Id);
    }

    [Fact]
    public async Task Respects_what_is_there()
    {
        var fs = await MetaHarness.CreateAsync();
        await fs.FileAsync(InodeId.Root, "f");
        await fs.MkdirAsync(InodeId.Root, "d");
        await fs.SymlinkAsync(InodeId.Root, "l", "f");
        Assert.Equal(StatusCode.AlreadyExists, await CreateAsync("f", OpenFlags.Exclusive));
        Assert.Equal(StatusCode.AlreadyExists, await CreateAsync("d", OpenFlags.Exclusive));
        Assert.Equal(StatusCode.IsDirectory, await CreateAsync("d", OpenFlags.Read));
        Assert.Equal(StatusCode.StaleHandle, await CreateAsync("l", OpenFlags.Read));
        Assert.Equal(StatusCode.Ok, await CreateAsync("f", OpenFlags.Write));

        async Task<StatusCode> CreateAsync(string name, OpenFlags flags) =>
            (await fs.A.CreateAsync(fs.Root, InodeId.Root, Name(name), _file, flags, fs.NewSession(), default)).Code;
    }

    [Fact]
    public async Task Truncates_what_is_there_once()
    {
        var fs = await MetaHarness.CreateAsync();
        var session = fs.NewSession();
        var file = await fs.OpenWriterAsync(InodeId.Root, "f", session);
        fs.Chunks.Write(file.Id, 5000);
        await fs.A.CloseAsync(fs.Root, file.Id, session, Wrote(5000), default);
        var request = fs.Root;
        var cut = (await fs.A.CreateAsync(
            request, InodeId.Root, Name("f"), _file, OpenFlags.Write | OpenFlags.Truncate, fs.NewSession(), default)).Value;
        Assert.Equal((0L, 2u, false), (cut.Attr.Length, cut.Attr.TruncateVersion.Value, cut.Created));
        Assert.Equal(0, fs.Chunks.EndOf(file.Id));
        fs.Chunks.Write(file.Id, 700);
        var repeated = (await fs.B.CreateAsync(
            request, InodeId.Root, Name("f"), _file, OpenFlags.Write | OpenFlags.Truncate, fs.NewSession(), default)).Value;
        Assert.Equal(cut.Attr.ChangeTime, repeated.Attr.ChangeTime);
        Assert.Equal(700, fs.Chunks.EndOf(file.Id));
    }

    [Fact]
    public async Task Different_names_in_one_directory_do_not_conflict_and_the_same_name_does()
    {
        var fs = await MetaHarness.CreateAsync();
        var random = new SeededRandom(3);
        var retry = new KvRetry(fs.Store, fs.Time, random);
        var ids = new InodeIdAllocator(retry);
        var layouts = new LayoutAllocator(fs.Routing, random);
        using var first = fs.Store.BeginTransaction();
        using var second = fs.Store.BeginTransaction();
        using var third = fs.Store.BeginTransaction();
        await RunAsync(first, "a", OpenFlags.Write);
        await RunAsync(second, "b", OpenFlags.Write);
        await RunAsync(third, "b", OpenFlags.Write);
        Assert.Equal(StatusCode.Ok, (await first.CommitAsync()).Code);
        Assert.Equal(StatusCode.Ok, (await second.CommitAsync()).Code);
        Assert.Equal(StatusCode.TxConflict, (await third.CommitAsync()).Code);

        async Task RunAsync(IKvTransaction kv, string name, OpenFlags flags)
        {
            var draft = new InodeDraft(ids, layouts, _file);
            var tx = new MetaTransaction(kv, kv, fs.Root, FileTime.From(fs.Time.GetUtcNow()));
            var create = new Create(InodeId.Root, Name(name), draft, flags, fs.NewSession(), default);
            (await create.RunAsync(tx)).Status.ThrowIfFailed();
        }
    }

    [Fact]
    public async Task Creating_and_removing_the_directory_conflict()
    {
        var fs = await MetaHarness.CreateAsync();
        var dir = await fs.MkdirAsync(InodeId.Root, "d");
        using var create = fs.Store.BeginTransaction();
        using var remove = fs.Store.BeginTransaction();
        var now = FileTime.From(fs.Time.GetUtcNow());
        var ids = new InodeIdAllocator(new KvRetry(fs.Store, fs.Time, new SeededRandom(3)));
        var draft = new InodeDraft(ids, new LayoutAllocator(fs.Routing, new SeededRandom(4)), _file);
        var made = await new MakeNode(dir.Id, Name("x"), draft, default).RunAsync(new MetaTransaction(create, create, fs.Root, now));
        var gone = await new RemoveDirectory(InodeId.Root, Name("d")).RunAsync(new MetaTransaction(remove, remove, fs.Root, now));
        Assert.True(made.IsOk && gone.IsOk);
        Assert.Equal(StatusCode.Ok, (await remove.CommitAsync()).Code);
        Assert.Equal(StatusCode.TxConflict, (await create.CommitAsync()).Code);
    }

    [Fact]
    public async Task Two_servers_create_at_once_without_losing_anything()
    {
        var fs = await MetaHarness.CreateAsync();
        var work = Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            var service = worker % 2 == 0 ? fs.A : fs.B;
            for (var i = 0; i < 50; i++)
            {
                var context = new MetaContext(UserInfo.Root, fs.Client, new RequestId(Guid.CreateVersion7()));
                var result = await service.MakeNodeAsync(
                    context, InodeId.Root, Name($"{worker}-{i}"), new NewInode(InodeType.Directory, 0x1FF), default);
                result.Status.ThrowIfFailed();
            }
        }));
        await Task.WhenAll(work);
        Assert.Equal(400, (await fs.NamesAsync(InodeId.Root)).Length);
        Assert.Equal(402u, (await fs.StatAsync(InodeId.Root)).LinkCount);
        Assert.Equal(401, await fs.InodesAsync());
    }
}
