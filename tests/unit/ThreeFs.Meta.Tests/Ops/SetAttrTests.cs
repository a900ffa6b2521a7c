using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Tests.Support;
using static ThreeFs.Meta.Tests.Support.MetaHarness;

namespace ThreeFs.Meta.Tests.Ops;

public sealed class SetAttrTests
{
    private const uint Owner = 5, Group = 5, OtherGroup = 60, Stranger = 9;

    [Fact]
    public async Task Chmod_is_for_the_owner_and_keeps_set_group_id_for_members_only()
    {
        var (fs, file) = await OwnedAsync();
        Assert.Equal(StatusCode.NotPermitted, await fs.ChmodAsync(file.Id, 0, fs.As(Stranger)));
        Assert.Equal(StatusCode.Ok, await fs.ChmodAsync(file.Id, 0xFFF, fs.As(Owner)));
        Assert.Equal(0xFFFu, (await fs.StatAsync(file.Id)).Mode);
        await SetAsync(fs, fs.Root, file.Id, new AttrChange(SetAttrMask.Gid) { Gid = OtherGroup });
        Assert.Equal(StatusCode.Ok, await fs.ChmodAsync(file.Id, 0x5FF, fs.As(Owner)));
        Assert.Equal(0x1FFu, (await fs.StatAsync(file.Id)).Mode);
        Assert.Equal(StatusCode.Ok, await fs.ChmodAsync(file.Id, 0x5FF, fs.As(Owner, OtherGroup)));
        Assert.Equal(0x5FFu, (await fs.StatAsync(file.Id)).Mode);
    }

    [Fact]
    public async Task Chown_follows_linux()
    {
        var (fs, file) = await OwnedAsync();
        Assert.Equal(StatusCode.NotPermitted, await ChownAsync(fs.As(Owner), Stranger, null));
        Assert.Equal(StatusCode.Ok, await ChownAsync(fs.As(Owner), Owner, null));
        Assert.Equal(StatusCode.NotPermitted, await ChownAsync(fs.As(Stranger), Owner, null));
        Assert.Equal(StatusCode.NotPermitted, await ChownAsync(fs.As(Owner), null, OtherGroup));
        Assert.Equal(StatusCode.Ok, await ChownAsync(fs.As(Owner, OtherGroup), null, OtherGroup));
        Assert.Equal(StatusCode.NotPermitted, await ChownAsync(fs.As(Stranger, OtherGroup), null, OtherGroup));
        Assert.Equal(StatusCode.Ok, await ChownAsync(fs.Root, Stranger, Group));

        async Task<StatusCode> ChownAsync(MetaContext context, uint? uid, uint? gid)
        {
            var mask = (uid is null ? 0 : SetAttrMask.Uid) | (gid is null ? 0 : SetAttrMask.Gid);
            return (await SetAsync(fs, context, file.Id, new AttrChange(mask) { Uid = uid ?? 0, Gid = gid ?? 0 })).Code;
        }
    }

    [Theory]
    [InlineData(0xDEDu, 0x1EDu)]
    [InlineData(0xDE4u, 0x5E4u)]
    public async Task Changing_the_owner_takes_privileges_away(uint before, uint after)
    {
        var (fs, file) = await OwnedAsync();
        await fs.ChmodAsync(file.Id, before);
        await SetAsync(fs, fs.As(Owner), file.Id, new AttrChange(SetAttrMask.Gid) { Gid = Group });
        Assert.Equal(after, (await fs.StatAsync(file.Id)).Mode);
        var dir = await fs.MkdirAsync(InodeId.Root, "d", context: fs.Root);
        await fs.ChmodAsync(dir.Id, 0xDFF);
        await SetAsync(fs, fs.Root, dir.Id, new AttrChange(SetAttrMask.Uid) { Uid = Owner });
        Assert.Equal(0xDFFu, (await fs.StatAsync(dir.Id)).Mode);
    }

    [Fact]
    public async Task Times_by_hand_are_for_the_owner_and_now_for_whoever_may_write()
    {
        var (fs, file) = await OwnedAsync();
        var old = FileTime.From(1_000_000, 123_456_789);
        var explicitTimes = new AttrChange(SetAttrMask.AccessTime | SetAttrMask.ModifyTime) { AccessTime = old, ModifyTime = old };
        var now = new AttrChange(SetAttrMask.AccessTimeNow | SetAttrMask.ModifyTimeNow);
        Assert.Equal(StatusCode.NotPermitted, (await SetAsync(fs, fs.As(Stranger), file.Id, explicitTimes)).Code);
        Assert.Equal(StatusCode.AccessDenied, (await SetAsync(fs, fs.As(Stranger), file.Id, now)).Code);
        await fs.ChmodAsync(file.Id, 0x1B6);
        Assert.Equal(StatusCode.NotPermitted, (await SetAsync(fs, fs.As(Stranger), file.Id, explicitTimes)).Code);
        Assert.Equal(StatusCode.Ok, (await SetAsync(fs, fs.As(Stranger), file.Id, now)).Code);
        var set = (await SetAsync(fs, fs.As(Owner), file.Id, explicitTimes)).Value;
        Assert.Equal((old, old), (set.AccessTime, set.ModifyTime));
        Assert.Equal(123_456_789u, set.ModifyTime.NanosecondPart);
        Assert.True(set.ChangeTime.CompareTo(file.ChangeTime) > 0);
    }

    [Fact]
    public async Task A_directory_keeps_the_time_set_by_hand_until_its_entries_change()
    {
        var fs = await MetaHarness.CreateAsync();
        var dir = await fs.MkdirAsync(InodeId.Root, "d");
        await fs.FileAsync(dir.Id, "a");
        var future = FileTime.From(4_000_000_000, 0);
        await SetAsync(fs, fs.Root, dir.Id, new AttrChange(SetAttrMask.ModifyTime) { ModifyTime = future });
        Assert.Equal(future, (await fs.StatAsync(dir.Id)).ModifyTime);
        var file = await fs.FileAsync(dir.Id, "b");
        Assert.Equal(file.ModifyTime, (await fs.StatAsync(dir.Id)).ModifyTime);
        await SetAsync(fs, fs.Root, dir.Id, new AttrChange(SetAttrMask.AccessTime) { AccessTime = future });
        Assert.Equal(file.ModifyTime, (await fs.StatAsync(dir.Id)).ModifyTime);
    }

    [Fact]
    public async Task Layouts_are_set_on_directories()
    {
        var (fs, file) = await OwnedAsync();
        var dir = await fs.MkdirAsync(InodeId.Root, "d");
        var layout = new Layout(new ChainTableId(1), default, 1 << 18, 4, 0, 0);
        var change = new AttrChange(SetAttrMask.Layout) { Layout = layout };
        Assert.Equal(layout, (await SetAsync(fs, fs.Root, dir.Id, change)).Value.Layout);
        Assert.Equal(1u << 18, (await fs.FileAsync(dir.Id, "f")).Layout!.ChunkSize);
        Assert.Equal(StatusCode.NotDirectory, (await SetAsync(fs, fs.Root, file.Id, change)).Code);
        Assert.Equal(StatusCode.NotPermitted, (await SetAsync(fs, fs.As(Stranger), dir.Id, change)).Code);
        var bad = new AttrChange(SetAttrMask.Layout) { Layout = layout with { ChunkSize = 100_000 } };
        Assert.Equal(StatusCode.InvalidLayout, (await SetAsync(fs, fs.Root, dir.Id, bad)).Code);
    }

    [Fact]
    public async Task Truncation_cuts_chunks_first_and_raises_the_version()
    {
        var (fs, file) = await WrittenAsync(10_000);
        var cut = (await fs.TruncateAsync(file.Id, 4000)).Value;
        Assert.Equal((4000L, 2u), (cut.Length, cut.TruncateVersion.Value));
        Assert.Equal(4000, fs.Chunks.EndOf(file.Id));
        Assert.Equal(cut.ModifyTime, cut.ChangeTime);
        var grown = (await fs.TruncateAsync(file.Id, 9000)).Value;
        Assert.Equal((9000L, 2u), (grown.Length, grown.TruncateVersion.Value));
        Assert.Equal(1, fs.Chunks.Truncations);
    }

    [Fact]
    public async Task Unsynced_writes_of_an_open_file_are_cut_too()
    {
        var fs = await MetaHarness.CreateAsync();
        var file = await fs.OpenWriterAsync(InodeId.Root, "f", fs.NewSession());
        fs.Chunks.Write(file.Id, 8000);
        Assert.Equal(100, (await fs.TruncateAsync(file.Id, 100)).Value.Length);
        Assert.Equal(100, fs.Chunks.EndOf(file.Id));
    }

    [Fact]
    public async Task A_truncation_by_another_in_between_is_repeated()
    {
        var (fs, file) = await WrittenAsync(10_000);
        fs.Chunks.BeforeAnswer = async () =>
        {
            fs.Chunks.BeforeAnswer = null;
            await fs.B.SetAttrAsync(fs.Root, file.Id, new AttrChange(SetAttrMask.Length) { Length = 3000 }, default);
            fs.Chunks.Write(file.Id, 9999);
            await fs.B.SyncAsync(fs.Root, file.Id, Wrote(9999, 3), false, default);
        };
        var cut = (await fs.TruncateAsync(file.Id, 5000)).Value;
        Assert.Equal((5000L, 5u), (cut.Length, cut.TruncateVersion.Value));
        Assert.Equal(5000, fs.Chunks.EndOf(file.Id));
    }

    [Theory]
    [InlineData(false, 6000)]
    [InlineData(true, 6000)]
    [InlineData(true, 10_000)]
    public async Task Another_clients_write_beside_a_truncation_comes_after_it(bool isReported, long before)
    {
        var (fs, file) = await WrittenAsync(before);
        await fs.A.OpenAsync(fs.From(fs.NewClient()), file.Id, OpenFlags.Write, fs.NewSession(), default);
        fs.Chunks.BeforeAnswer = async () =>
        {
            // Behind the cut, and again after storage was asked where the file ends.
            if (!isReported || fs.Chunks.Queries == 1) fs.Chunks.BeforeAnswer = null;
            var end = 7000 + fs.Chunks.Queries;
            fs.Chunks.Write(file.Id, end);
            if (isReported) await fs.B.SyncAsync(fs.Root, file.Id, Wrote(end, 0) with { ModifyTime = new FileTime(1) }, false, default);
        };
        var cut = (await fs.TruncateAsync(file.Id, 5000)).Value;
        var end = isReported ? 7001 : 7000;
        Assert.Equal(isReported ? end : 5000, cut.Length);
        Assert.Equal(end, (await fs.B.SyncAsync(fs.Root, file.Id, Wrote(end, 0), false, default)).Value.Length);
    }

    [Fact]
    public async Task Failing_storage_leaves_the_record_alone()
    {
        var (fs, file) = await WrittenAsync(10_000);
        fs.Chunks.Failure = StatusCode.NoServingTarget;
        Assert.Equal(StatusCode.NoServingTarget, (await fs.TruncateAsync(file.Id, 1)).Code);
        Assert.Equal(10_000, (await fs.StatAsync(file.Id)).Length);
    }

    /// <summary>
    /// The client repeats its request at another server, is answered and writes; the first server's cut is late. Storage knows the later
    /// order, or, when it has forgotten, the order is too old to be sent.
    /// </summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_server_that_was_stopped_on_the_way_to_storage_takes_nothing_away(bool storageRemembers)
    {
        var (fs, file) = await WrittenAsync(10_000);
        var request = fs.Root;
        var change = new AttrChange(SetAttrMask.Length) { Length = 100 };
        fs.Chunks.BeforeCut = async () =>
        {
            fs.Chunks.BeforeCut = null;
            var done = (await fs.B.SetAttrAsync(request, file.Id, change, default)).Value;
            fs.Chunks.Write(file.Id, 7777);
            await fs.B.SyncAsync(fs.Root, file.Id, Wrote(7777, done.TruncateVersion.Value), false, default);
            if (storageRemembers) return;
            fs.Chunks.ForgetOrders();
            fs.Time.Advance(CutOrder.Life);
        };
        Assert.Equal(100, (await fs.A.SetAttrAsync(request, file.Id, change, default)).Value.Length);
        Assert.Equal(7777, fs.Chunks.EndOf(file.Id));
        Assert.Equal(7777, (await fs.StatAsync(file.Id)).Length);
    }

    [Fact]
    public async Task A_truncation_tries_storage_again_until_its_time_is_over()
    {
        var (fs, file) = await WrittenAsync(10_000);
        fs.Chunks.Failure = StatusCode.TargetNotServing;
        fs.Chunks.BeforeCut = () =>
        {
            if (fs.Chunks.Truncations == 3) fs.Chunks.Failure = Status.Ok;
            return Task.CompletedTask;
        };
        Assert.Equal(1, (await fs.TruncateAsync(file.Id, 1)).Value.Length);
        Assert.Equal(3, fs.Chunks.Truncations);
        fs.Chunks.Failure = StatusCode.NoSpace;
        fs.Chunks.Write(file.Id, 50);
        Assert.Equal(StatusCode.NoSpace, (await fs.TruncateAsync(file.Id, 0)).Code);
        Assert.Equal(4, fs.Chunks.Truncations);
    }

    [Fact]
    public async Task A_repeated_truncation_does_not_cut_later_writes()
    {
        var (fs, file) = await WrittenAsync(10_000);
        var request = fs.Root;
        await fs.TruncateAsync(file.Id, 0, request);
        fs.Chunks.Write(file.Id, 77);
        Assert.Equal(0, (await fs.B.SetAttrAsync(request, file.Id, new AttrChange(SetAttrMask.Length), default)).Value.Length);
        Assert.Equal(77, fs.Chunks.EndOf(file.Id));
    }

    [Fact]
    public async Task Truncation_needs_permission_or_an_open_descriptor()
    {
        var fs = await MetaHarness.CreateAsync();
        await fs.ChmodAsync(InodeId.Root, 0x1FF);
        var made = (await fs.A.CreateAsync(
            fs.As(Owner), InodeId.Root, Name("f"), new NewInode(InodeType.File, 0), OpenFlags.Write, fs.NewSession(), default)).Value.Attr;
        Assert.Equal(StatusCode.Ok, (await fs.TruncateAsync(made.Id, 10, fs.As(Owner))).Code);
        var elsewhere = fs.As(Owner) with { Client = fs.NewClient() };
        Assert.Equal(StatusCode.AccessDenied, (await fs.TruncateAsync(made.Id, 10, elsewhere)).Code);
    }

    [Fact]
    public async Task Lengths_have_bounds()
    {
        var fs = await MetaHarness.CreateAsync();
        var file = await fs.FileAsync(InodeId.Root, "f");
        var fifo = (await fs.A.MakeNodeAsync(fs.Root, InodeId.Root, Name("p"), new NewInode(InodeType.Fifo, 0x1B6), default)).Value;
        Assert.Equal(StatusCode.IsDirectory, (await fs.TruncateAsync(InodeId.Root, 0)).Code);
        Assert.Equal(StatusCode.InvalidArgument, (await fs.TruncateAsync(fifo.Id, 0)).Code);
        Assert.Equal(StatusCode.InvalidArgument, (await fs.TruncateAsync(file.Id, -1)).Code);
        Assert.Equal(StatusCode.FileTooLarge, (await fs.TruncateAsync(file.Id, long.MaxValue)).Code);
    }

    private static async Task<(MetaHarness Fs, InodeAttr File)> OwnedAsync()
    {
        var fs = await MetaHarness.CreateAsync();
        await fs.ChmodAsync(InodeId.Root, 0x1FF);
        return (fs, await fs.FileAsync(InodeId.Root, "f", mode: 0x1A4, fs.As(Owner)));
    }

    private static async Task<(MetaHarness Fs, InodeAttr File)> WrittenAsync(long length)
    {
        var fs = await MetaHarness.CreateAsync();
        var session = fs.NewSession();
        var file = await fs.OpenWriterAsync(InodeId.Root, "f", session);
        fs.Chunks.Write(file.Id, length);
        return (fs, (await fs.A.CloseAsync(fs.Root, file.Id, session, Wrote(length), default)).Value);
    }

    private static async Task<Result<InodeAttr>> SetAsync(MetaHarness fs, MetaContext context, InodeId inode, AttrChange change) =>
        await fs.A.SetAttrAsync(context, inode, change, default);
}
