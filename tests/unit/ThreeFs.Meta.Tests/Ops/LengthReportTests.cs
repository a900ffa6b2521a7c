using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
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
        var version = await VersionAsync(fs);
        await fs.A.SyncAsync(fs.Root, file, LengthHint.Nothing, true, default);
        Assert.Equal(version, await VersionAsync(fs));
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

    private static async Task<(MetaHarness Fs, InodeId File)> OpenAsync()
    {
        var fs = await MetaHarness.CreateAsync();
        return (fs, (await fs.OpenWriterAsync(InodeId.Root, "f", fs.NewSession())).Id);
    }

    private static async Task<Kv.KvVersion> VersionAsync(MetaHarness fs)
    {
        using var tx = fs.Store.BeginReadOnly();
        return (await tx.GetReadVersionAsync()).Value;
    }

    private static async Task<int> SessionsAsync(MetaHarness fs)
    {
        using var tx = fs.Store.BeginReadOnly();
        var range = Kv.KeyPrefixes.Session.Range;
        return (await tx.GetRangeAsync(range.Begin, range.End)).Value.Rows.Count;
    }
}
