using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Meta.Background;
using ThreeFs.Meta.Tests.Support;
using static ThreeFs.Meta.Tests.Support.MetaHarness;

namespace ThreeFs.Meta.Tests.Background;

public sealed class GarbageCollectorTests
{
    [Fact]
    public async Task Removes_chunks_and_record_after_the_delay_and_not_before()
    {
        var (fs, file) = await RemovedAsync();
        Assert.Equal(0, await fs.CollectAsync());
        fs.Time.Advance(fs.Options.GarbageDelay - TimeSpan.FromSeconds(1));
        Assert.Equal(0, await fs.CollectAsync());
        Assert.True(fs.Chunks.Has(file));
        fs.Time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(1, await fs.CollectAsync());
        Assert.False(fs.Chunks.Has(file));
        Assert.Equal(StatusCode.NotFound, await fs.CodeOfAsync(file));
        Assert.Equal(1, await fs.InodesAsync());
    }

    [Fact]
    public async Task An_open_file_lives_until_its_last_session_ends()
    {
        var fs = await MetaHarness.CreateAsync();
        SessionId writer = fs.NewSession(), reader = fs.NewSession();
        var file = await fs.OpenWriterAsync(InodeId.Root, "f", writer);
        fs.Chunks.Write(file.Id, 10);
        await fs.A.UnlinkAsync(fs.Root, InodeId.Root, Name("f"), reader, default);
        await CollectAfterDelayAsync(fs);
        await fs.A.CloseAsync(fs.Root, file.Id, writer, Wrote(10), default);
        await CollectAfterDelayAsync(fs);
        Assert.Equal(10, (await fs.StatAsync(file.Id)).Length);
        Assert.True(fs.Chunks.Has(file.Id));
        await fs.A.CloseAsync(fs.Root, file.Id, reader, LengthHint.Nothing, default);
        await CollectAfterDelayAsync(fs);
        Assert.False(fs.Chunks.Has(file.Id));
    }

    [Fact]
    public async Task Keeping_a_file_open_in_time_saves_it_and_too_late_is_told()
    {
        var (fs, file) = await RemovedAsync();
        var session = fs.NewSession();
        Assert.Equal(StatusCode.Ok, (await fs.B.KeepOpenAsync(fs.Root, file, session, default)).Code);
        await CollectAfterDelayAsync(fs);
        Assert.True(fs.Chunks.Has(file));
        await fs.A.CloseAsync(fs.Root, file, session, LengthHint.Nothing, default);
        fs.Chunks.Failure = StatusCode.NoServingTarget;
        await FailingRoundAfterDelayAsync(fs);
        Assert.Equal(StatusCode.StaleHandle, (await fs.B.KeepOpenAsync(fs.Root, file, session, default)).Code);
        Assert.Equal(StatusCode.NotFound, (await fs.B.OpenAsync(fs.Root, file, OpenFlags.Read, session, default)).Code);
        Assert.Equal(InodeFlags.None, (await fs.StatAsync(file)).Flags);
    }

    [Fact]
    public async Task A_late_repetition_of_keeping_open_does_not_bring_the_session_back()
    {
        var (fs, file) = await RemovedAsync();
        var (session, request) = (fs.NewSession(), fs.Root);
        Assert.Equal(StatusCode.Ok, (await fs.A.KeepOpenAsync(request, file, session, default)).Code);
        await fs.A.CloseAsync(fs.Root, file, session, LengthHint.Nothing, default);
        Assert.Equal(StatusCode.Ok, (await fs.B.KeepOpenAsync(request, file, session, default)).Code);
        await CollectAfterDelayAsync(fs);
        Assert.False(fs.Chunks.Has(file));
    }

    [Fact]
    public async Task A_nameless_file_may_be_opened_again_while_it_is_kept()
    {
        var (fs, file) = await RemovedAsync();
        var session = fs.NewSession();
        Assert.Equal(StatusCode.Ok, (await fs.B.OpenAsync(fs.Root, file, OpenFlags.Write, session, default)).Code);
        await CollectAfterDelayAsync(fs);
        Assert.True(fs.Chunks.Has(file));
    }

    [Fact]
    public async Task A_reader_is_kept_also_when_another_client_takes_the_last_name()
    {
        var fs = await MetaHarness.CreateAsync();
        var file = await fs.FileAsync(InodeId.Root, "f");
        await fs.A.LinkAsync(fs.Root, file.Id, InodeId.Root, Name("g"), default);
        fs.Chunks.Write(file.Id, 10);
        await fs.A.UnlinkAsync(fs.Root, InodeId.Root, Name("f"), fs.NewSession(), default);
        await fs.B.UnlinkAsync(fs.From(fs.NewClient()), InodeId.Root, Name("g"), null, default);
        await CollectAfterDelayAsync(fs);
        Assert.True(fs.Chunks.Has(file.Id));
    }

    [Fact]
    public async Task Failing_storage_is_asked_again_after_the_claim_ends()
    {
        var (fs, file) = await RemovedAsync();
        fs.Chunks.Failure = StatusCode.NoServingTarget;
        await FailingRoundAfterDelayAsync(fs);
        fs.Chunks.Failure = Status.Ok;
        Assert.Equal(0, await fs.CollectAsync());
        fs.Time.Advance(GarbageCollector.ClaimTime);
        Assert.Equal(1, await fs.CollectAsync());
        Assert.False(fs.Chunks.Has(file));
    }

    [Fact]
    public async Task Two_servers_share_the_work()
    {
        var fs = await MetaHarness.CreateAsync();
        for (var i = 0; i < 100; i++)
        {
            await fs.FileAsync(InodeId.Root, $"f{i}");
            await fs.A.UnlinkAsync(fs.Root, InodeId.Root, Name($"f{i}"), null, default);
        }

        fs.Time.Advance(fs.Options.GarbageDelay);
        var rounds = await Task.WhenAll(Task.Run(() => DrainAsync(fs.A)), Task.Run(() => DrainAsync(fs.B)));
        Assert.Equal(100, rounds.Sum());
        Assert.Equal(100, fs.Chunks.Removals);
        Assert.Equal(1, await fs.InodesAsync());

        static async Task<int> DrainAsync(MetaService service)
        {
            var removed = 0;
            while (true)
            {
                var round = (await service.Garbage.RunRoundAsync(default)).Value;
                removed += round.Removed;
                if (!round.More) return removed;
            }
        }
    }

    private static async Task<(MetaHarness Fs, InodeId File)> RemovedAsync()
    {
        var fs = await MetaHarness.CreateAsync();
        var file = await fs.FileAsync(InodeId.Root, "f");
        fs.Chunks.Write(file.Id, 10);
        await fs.A.UnlinkAsync(fs.Root, InodeId.Root, Name("f"), null, default);
        return (fs, file.Id);
    }

    private static async Task CollectAfterDelayAsync(MetaHarness fs)
    {
        fs.Time.Advance(fs.Options.GarbageDelay + TimeSpan.FromSeconds(1));
        await fs.CollectAsync();
    }

    private static async Task FailingRoundAfterDelayAsync(MetaHarness fs)
    {
        fs.Time.Advance(fs.Options.GarbageDelay + TimeSpan.FromSeconds(1));
        Assert.Equal(1, (await fs.A.Garbage.RunRoundAsync(default)).Value.Failed);
    }
}
