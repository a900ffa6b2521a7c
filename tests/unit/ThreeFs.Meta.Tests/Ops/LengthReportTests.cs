using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Kv.Transfer;
using ThreeFs.Meta.Tests.Support;
using static ThreeFs.Meta.Tests.Support.MetaHarness;

namespace ThreeFs.Meta.Tests.Ops;

public sealed class LengthReportTests
{
    [Fact]
    public async Task The_furthest_write_of_all_writers_counts()
    {
        var (fs, file) = await OpenAsync();
        Assert.Equal(5000, (await fs.A.SyncAsync(fs.Root, file, Wrote(5000), false, default)).Value.Length);
        Assert.Equal(5000, (await fs.B.SyncAsync(fs.Root, file, Wrote(3000), false, default)).Value.Length);
        Assert.Equal(0, fs.Chunks.Queries);
    }

    [Fact]
    public async Task A_report_from_before_a_truncation_is_measured_instead()
    {
        var (fs, file) = await OpenAsync();
        fs.Chunks.Write(file, 9000);
        await fs.TruncateAsync(file, 100);
        Assert.Equal(100, (await fs.A.SyncAsync(fs.Root, file, Wrote(9000), false, default)).Value.Length);
        Assert.Equal(1, fs.Chunks.Queries);
        fs.Chunks.Write(file, 500);
        Assert.Equal(500, (await fs.A.SyncAsync(fs.Root, file, Wrote(9000), false, default)).Value.Length);
    }

    [Fact]
    public async Task Exact_asks_storage_and_never_shrinks_a_sparse_end()
    {
        var (fs, file) = await OpenAsync();
        fs.Chunks.Write(file, 1000);
        Assert.Equal(1000, (await fs.A.SyncAsync(fs.Root, file, LengthHint.Nothing with { Exact = true }, false, default)).Value.Length);
        await fs.TruncateAsync(file, 1_000_000);
        Assert.Equal(1_000_000,
            (await fs.A.SyncAsync(fs.Root, file, LengthHint.Nothing with { Exact = true }, false, default)).Value.Length);
    }

    [Fact]
    public async Task A_truncation_while_storage_is_asked_wins()
    {
        var (fs, file) = await OpenAsync();
        fs.Chunks.Write(file, 9000);
        fs.Chunks.BeforeAnswer = async () =>
        {
            fs.Chunks.BeforeAnswer = null;
            var cut = new AttrChange(SetAttrMask.Length) { Length = 50 };
            (await fs.B.SetAttrAsync(fs.Root, file, cut, default)).Status.ThrowIfFailed();
        };
        Assert.Equal(50, (await fs.A.SyncAsync(fs.Root, file, LengthHint.Nothing with { Exact = true }, false, default)).Value.Length);
    }

    [Fact]
    public async Task Times_set_by_hand_after_the_write_stay()
    {
        var (fs, file) = await OpenAsync();
        var written = FileTime.From(fs.Time.GetUtcNow());
        var old = FileTime.From(1_000_000, 0);
        await fs.A.SetAttrAsync(fs.Root, file, new AttrChange(SetAttrMask.ModifyTime) { ModifyTime = old }, default);
        var late = (await fs.A.SyncAsync(fs.Root, file, Wrote(10) with { ModifyTime = written }, false, default)).Value;
        Assert.Equal((10L, old), (late.Length, late.ModifyTime));
        var now = FileTime.From(fs.Time.GetUtcNow());
        var next = (await fs.A.SyncAsync(fs.Root, file, Wrote(10) with { ModifyTime = now }, false, default)).Value;
        Assert.Equal((now, now), (next.ModifyTime, next.ChangeTime));
    }

    [Fact]
    public async Task What_else_happens_to_the_inode_before_the_report_does_not_keep_the_time_of_the_write()
    {
        var (fs, file) = await OpenAsync();
        var before = await fs.StatAsync(file);
        var written = FileTime.From(fs.Time.GetUtcNow());
        await fs.A.RenameAsync(fs.Root, InodeId.Root, Name("f"), InodeId.Root, Name("g"), RenameFlags.None, default);
        var renamed = await fs.StatAsync(file);
        Assert.Equal((before.ModifyTime, before.DataVersion), (renamed.ModifyTime, renamed.DataVersion));
        var after = (await fs.A.SyncAsync(fs.Root, file, Wrote(10) with { ModifyTime = written }, false, default)).Value;
        Assert.Equal(written, after.ModifyTime);
        Assert.True(after.ChangeTime.CompareTo(renamed.ChangeTime) > 0);
        Assert.Equal(renamed.DataVersion + 1, after.DataVersion);
    }

    [Fact]
    public async Task Change_time_and_data_version_rise_though_the_time_set_by_hand_stays()
    {
        var (fs, file) = await OpenAsync();
        var written = FileTime.From(fs.Time.GetUtcNow());
        var byHand = new AttrChange(SetAttrMask.ModifyTime) { ModifyTime = FileTime.From(1_000_000, 0) };
        var set = (await fs.B.SetAttrAsync(fs.Root, file, byHand, default)).Value;
        var after = (await fs.A.SyncAsync(fs.Root, file, Wrote(10) with { ModifyTime = written }, false, default)).Value;
        Assert.Equal(set.ModifyTime, after.ModifyTime);
        Assert.True(after.ChangeTime.CompareTo(set.ChangeTime) > 0);
        Assert.Equal(set.DataVersion + 1, after.DataVersion);
    }

    [Fact]
    public async Task A_write_after_a_time_in_the_future_was_set_counts()
    {
        var (fs, file) = await OpenAsync();
        var future = new AttrChange(SetAttrMask.ModifyTime) { ModifyTime = FileTime.From(9_000_000_000, 0) };
        await fs.A.SetAttrAsync(fs.Root, file, future, default);
        var written = FileTime.From(fs.Time.GetUtcNow());
        var hint = Wrote(10) with { ModifyTime = written };
        Assert.Equal(written, (await fs.A.SyncAsync(fs.Root, file, hint, false, default)).Value.ModifyTime);
    }

    [Fact]
    public async Task Of_reports_in_the_wrong_order_the_later_write_counts_and_no_time_is_ahead_of_the_server()
    {
        var (fs, file) = await OpenAsync();
        var early = FileTime.From(fs.Time.GetUtcNow());
        var late = FileTime.From(fs.Time.GetUtcNow());
        await fs.A.SyncAsync(fs.Root, file, Wrote(10) with { ModifyTime = late }, false, default);
        var second = (await fs.B.SyncAsync(fs.Root, file, Wrote(5) with { ModifyTime = early }, false, default)).Value;
        Assert.Equal(late, second.ModifyTime);
        var ahead = Wrote(5) with { ModifyTime = FileTime.From(9_000_000_000, 0) };
        var clamped = (await fs.B.SyncAsync(fs.Root, file, ahead, false, default)).Value;
        Assert.True(clamped.ModifyTime.CompareTo(FileTime.From(fs.Time.GetUtcNow())) < 0);
    }

    [Fact]
    public async Task Lengths_that_storage_is_asked_for_make_the_data_new()
    {
        var (fs, file) = await OpenAsync();
        var before = await fs.StatAsync(file);
        var exact = LengthHint.Nothing with { Exact = true };
        var same = (await fs.A.SyncAsync(fs.Root, file, exact, false, default)).Value;
        Assert.Equal((before.DataVersion + 1, before.ModifyTime), (same.DataVersion, same.ModifyTime));
        fs.Chunks.Write(file, 77);
        var grown = (await fs.A.SyncAsync(fs.Root, file, exact, false, default)).Value;
        Assert.True(grown.ModifyTime.CompareTo(before.ModifyTime) > 0);
        Assert.Equal(grown.DataVersion + 1, (await fs.TruncateAsync(file, 3)).Value.DataVersion);
    }

    [Fact]
    public async Task Access_times_move_forward_only()
    {
        var (fs, file) = await OpenAsync();
        var before = (await fs.StatAsync(file)).AccessTime;
        var later = new FileTime(before.Nanoseconds + 1_000_000);
        Assert.Equal(later, (await fs.A.SyncAsync(fs.Root, file, LengthHint.Nothing with { AccessTime = later }, false, default)).Value.AccessTime);
        Assert.Equal(later, (await fs.A.SyncAsync(fs.Root, file, LengthHint.Nothing with { AccessTime = before }, false, default)).Value.AccessTime);
    }

    [Fact]
    public async Task A_write_by_others_than_root_takes_privileges_away()
    {
        var (fs, file) = await OpenAsync();
        await fs.ChmodAsync(file, 0xDFF);
        var hint = Wrote(10) with { ModifyTime = FileTime.From(fs.Time.GetUtcNow()) };
        Assert.Equal(0xDFFu, (await fs.A.SyncAsync(fs.Root, file, hint, false, default)).Value.Mode);
        hint = Wrote(20) with { ModifyTime = FileTime.From(fs.Time.GetUtcNow()) };
        Assert.Equal(0x1FFu, (await fs.A.SyncAsync(fs.As(5), file, hint, false, default)).Value.Mode);
    }

    [Fact]
    public async Task Close_ends_the_session_and_may_be_repeated()
    {
        var fs = await MetaHarness.CreateAsync();
        var session = fs.NewSession();
        var file = await fs.OpenWriterAsync(InodeId.Root, "f", session);
        var context = fs.Root;
        Assert.Equal(70, (await fs.A.CloseAsync(context, file.Id, session, Wrote(70), default)).Value.Length);
        Assert.Equal(70, (await fs.B.CloseAsync(context, file.Id, session, Wrote(70), default)).Value.Length);
        Assert.Equal(0, await SessionsAsync(fs));
    }

    [Fact]
    public async Task Nothing_to_report_writes_nothing()
    {
        var (fs, file) = await OpenAsync();
        var before = await DigestAsync(fs);
        await fs.A.SyncAsync(fs.Root, file, LengthHint.Nothing, true, default);
        Assert.Equal(before, await DigestAsync(fs));
    }

    [Fact]
    public async Task Sessions_are_ended_by_id_for_their_own_client_only()
    {
        var fs = await MetaHarness.CreateAsync();
        SessionId mine = fs.NewSession(), other = fs.NewSession();
        await fs.OpenWriterAsync(InodeId.Root, "f", mine);
        await fs.OpenWriterAsync(InodeId.Root, "g", other);
        await fs.A.PruneSessionsAsync(fs.From(fs.NewClient()), [mine, other], default);
        Assert.Equal(2, await SessionsAsync(fs));
        await fs.A.PruneSessionsAsync(fs.Root, [mine], default);
        Assert.Equal(1, await SessionsAsync(fs));
    }

    [Fact]
    public async Task What_was_written_under_a_session_that_is_ended_by_id_counts()
    {
        var fs = await MetaHarness.CreateAsync();
        var session = fs.NewSession();
        var file = await fs.OpenWriterAsync(InodeId.Root, "f", session);
        fs.Chunks.Write(file.Id, 4321);
        fs.Chunks.Failure = StatusCode.NoServingTarget;
        Assert.Equal(StatusCode.NoServingTarget, (await fs.A.PruneSessionsAsync(fs.Root, [session], default)).Code);
        Assert.Equal(1, await SessionsAsync(fs));
        fs.Chunks.Failure = Status.Ok;
        Assert.True((await fs.A.PruneSessionsAsync(fs.Root, [session], default)).IsOk);
        Assert.Equal(0, await SessionsAsync(fs));
        Assert.Equal(4321, (await fs.StatAsync(file.Id)).Length);
    }

    private static async Task<(MetaHarness Fs, InodeId File)> OpenAsync()
    {
        var fs = await MetaHarness.CreateAsync();
        return (fs, (await fs.OpenWriterAsync(InodeId.Root, "f", fs.NewSession())).Id);
    }

    /// <summary>Not the store's version: FoundationDB's goes on by itself.</summary>
    private static async Task<KvDigest> DigestAsync(MetaHarness fs) =>
        (await new KvWholeStore(fs.Store, fs.Time, new SeededRandom(1)).DigestAsync(default)).Value;

    private static async Task<int> SessionsAsync(MetaHarness fs)
    {
        using var tx = fs.Store.BeginReadOnly();
        var range = Kv.KeyPrefixes.Session.Range;
        return (await tx.GetRangeAsync(range.Begin, range.End)).Value.Rows.Count;
    }
}
