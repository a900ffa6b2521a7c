using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Kv;
using ThreeFs.Meta.Background;
using ThreeFs.Meta.Tests.Support;
using ThreeFs.Meta.Transactions;
using static ThreeFs.Meta.Tests.Support.MetaHarness;

namespace ThreeFs.Meta.Tests.Model;

public sealed class ExactlyOnceTests
{
    [Theory]
    [InlineData(KvFault.MaybeCommittedApplied)]
    [InlineData(KvFault.MaybeCommittedLost)]
    [InlineData(KvFault.Conflict)]
    public async Task Every_mutation_survives_an_unclear_commit(KvFault fault)
    {
        var faults = new ScriptedKvFaults();
        var fs = await MetaHarness.CreateAsync(faults);
        await fs.FileAsync(InodeId.Root, "warm-up");

        var exclusive = OpenFlags.Write | OpenFlags.Exclusive;
        faults.EnqueueCommit(fault);
        var file = (await fs.A.CreateAsync(
            fs.Root, InodeId.Root, Name("f"), new NewInode(InodeType.File, 0x1B6), exclusive, fs.NewSession(), default)).Value;
        Assert.True(file.Created);
        faults.EnqueueCommit(fault);
        await fs.MkdirAsync(InodeId.Root, "d");
        faults.EnqueueCommit(fault);
        Assert.Equal(2u, (await fs.A.LinkAsync(fs.Root, file.Attr.Id, InodeId.Root, Name("g"), default)).Value.LinkCount);
        faults.EnqueueCommit(fault);
        Assert.True((await fs.A.RenameAsync(fs.Root, InodeId.Root, Name("g"), InodeId.Root, Name("h"), default, default)).IsOk);
        faults.EnqueueCommit(fault);
        Assert.Equal(1u, (await fs.A.UnlinkAsync(fs.Root, InodeId.Root, Name("h"), null, default)).Value.LinkCount);
        faults.EnqueueCommit(fault);
        Assert.Equal(StatusCode.Ok, (await fs.A.RemoveDirectoryAsync(fs.Root, InodeId.Root, Name("d"), default)).Code);
        faults.EnqueueCommit(fault);
        Assert.Equal(StatusCode.Ok, (await fs.A.SetXattrAsync(fs.Root, file.Attr.Id, Name("user.x"), "v"u8.ToArray(), 1, default)).Code);
        faults.EnqueueCommit(fault);
        Assert.Equal(StatusCode.Ok, (await fs.A.RemoveXattrAsync(fs.Root, file.Attr.Id, Name("user.x"), default)).Code);
        Assert.Equal((2u, 3L), ((await fs.StatAsync(InodeId.Root)).LinkCount, await fs.InodesAsync()));
    }

    [Fact]
    public async Task A_repeated_request_gets_its_answer_even_when_the_world_has_moved_on()
    {
        var fs = await MetaHarness.CreateAsync();
        var request = fs.Root;
        var made = await fs.MkdirAsync(InodeId.Root, "d", context: request);
        await fs.A.RemoveDirectoryAsync(fs.Root, InodeId.Root, Name("d"), default);
        var again = await fs.B.MakeNodeAsync(request, InodeId.Root, Name("d"), new NewInode(InodeType.Directory, 0x1FF), default);
        Assert.Equal(made.Id, again.Value.Id);
        Assert.Empty(await fs.NamesAsync(InodeId.Root));
    }

    [Fact]
    public async Task Failures_are_not_remembered()
    {
        var fs = await MetaHarness.CreateAsync();
        var request = fs.Root;
        Assert.Equal(StatusCode.NotFound, (await fs.A.RemoveDirectoryAsync(request, InodeId.Root, Name("d"), default)).Code);
        await fs.MkdirAsync(InodeId.Root, "d");
        Assert.Equal(StatusCode.Ok, (await fs.A.RemoveDirectoryAsync(request, InodeId.Root, Name("d"), default)).Code);
    }

    [Fact]
    public async Task Attempts_on_both_sides_of_a_bucket_border_see_each_other_or_conflict()
    {
        var fs = await MetaHarness.CreateAsync();
        var border = new FileTime((RequestLog.BucketOf(FileTime.From(fs.Time.GetUtcNow())) + 1) * RequestLog.Bucket.Ticks * 100);
        var before = new FileTime(border.Nanoseconds - 1_000_000);
        var request = fs.Root;
        using var early = fs.Store.BeginTransaction();
        using var late = fs.Store.BeginTransaction();
        Assert.Null((await RequestLog.FindAsync(early, request, 0, before)).Value);
        Assert.Null((await RequestLog.FindAsync(late, request, 0, border)).Value);
        RequestLog.Put(early, request, 0, before, Outcome.Nothing);
        RequestLog.Put(late, request, 0, border, Outcome.Nothing);
        Assert.Equal(StatusCode.Ok, (await late.CommitAsync()).Code);
        Assert.Equal(StatusCode.TxConflict, (await early.CommitAsync()).Code);
        using var after = fs.Store.BeginTransaction();
        Assert.NotNull((await RequestLog.FindAsync(after, request, 0, before)).Value);
    }

    /// <summary>Wherever in a bucket the first attempt lies, also at a server whose clock is ahead.</summary>
    [Fact]
    public async Task Remembered_as_long_as_a_client_may_repeat()
    {
        var fs = await MetaHarness.CreateAsync();
        var first = RequestLog.Bucket.Ticks * 1_000_000L;
        for (var into = 0L; into < RequestLog.Bucket.Ticks; into += TimeSpan.TicksPerSecond * 15)
        {
            var at = new FileTime((first + into) * 100);
            var request = fs.Root;
            using var early = fs.Store.BeginTransaction();
            RequestLog.Put(early, request, 0, at, Outcome.Nothing);
            Assert.True((await early.CommitAsync()).IsOk);
            var late = RequestLifetime.MaxRepeating + RequestLifetime.MaxDelay + RequestLog.Skew - TimeSpan.FromSeconds(1);
            var last = new FileTime(at.Nanoseconds + late.Ticks * 100);
            using var repeated = fs.Store.BeginTransaction();
            Assert.NotNull((await RequestLog.FindAsync(repeated, request, 0, last)).Value);
            Assert.True(RequestLog.FirstKept(last) <= RequestLog.BucketOf(at));
        }
    }

    [Fact]
    public async Task Remembered_for_the_retention_and_forgotten_in_the_end()
    {
        var fs = await MetaHarness.CreateAsync();
        var request = fs.Root;
        await fs.MkdirAsync(InodeId.Root, "d", context: request);
        for (var i = 0; i < 3000; i++) await fs.ChmodAsync(InodeId.Root, 0x1FF);
        fs.Time.Advance(RequestLog.Retention);
        Assert.False((await fs.A.Requests.RunRoundAsync(default)).Value);
        Assert.True((await fs.B.MakeNodeAsync(
            request, InodeId.Root, Name("d"), new NewInode(InodeType.Directory, 0x1FF), default)).IsOk);
        var rows = await fs.RowCountAsync();
        fs.Time.Advance(RequestLog.Bucket * 3);
        Assert.True((await fs.A.Requests.RunRoundAsync(default)).Value);
        Assert.False((await fs.A.Requests.RunRoundAsync(default)).Value);
        Assert.InRange(rows - await fs.RowCountAsync(), 3000, 3002);
    }
}
