using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Kv;
using ThreeFs.Meta.Tests.Support;
using static ThreeFs.Meta.Tests.Support.MetaHarness;

namespace ThreeFs.Meta.Tests.Ops;

public sealed class AppendTests
{
    [Fact]
    public async Task Appends_of_all_clients_follow_each_other()
    {
        var (fs, file) = await OpenAsync();
        var ends = new List<long>();
        for (var i = 0; i < 10; i++)
        {
            var server = i % 2 == 0 ? fs.A : fs.B;
            ends.Add((await server.AppendAsync(fs.From(fs.NewClient()), file, 10 + i, default)).Value.Length);
        }

        Assert.Equal(Enumerable.Range(0, 10).Select(i => (long)Enumerable.Range(10, i + 1).Sum()), ends);
        Assert.Equal(ends[^1], (await fs.StatAsync(file)).Length);
        Assert.Equal(0, fs.Chunks.Queries);
    }

    [Fact]
    public async Task Concurrent_appends_get_places_of_their_own()
    {
        var (fs, file) = await OpenAsync();
        var running = Enumerable.Range(0, 32).Select(i => Task.Run(async () =>
        {
            // As clients do: whoever has lost against others too often is told to ask again.
            var request = fs.From(fs.NewClient());
            var servers = new[] { fs.A, fs.B };
            while (true)
            {
                var answer = await servers[i++ % 2].AppendAsync(request, file, 100, default);
                if (answer.IsOk || !answer.Code.IsRetryableMeta()) return answer.Value.Length;
            }
        }));
        Assert.Equal(Enumerable.Range(1, 32).Select(i => 100L * i), (await Task.WhenAll(running)).Order());
    }

    [Theory]
    [InlineData(KvFault.MaybeCommittedApplied)]
    [InlineData(KvFault.MaybeCommittedLost)]
    [InlineData(KvFault.Conflict)]
    public async Task A_repeated_request_keeps_its_place(KvFault fault)
    {
        var faults = new ScriptedKvFaults();
        var fs = await MetaHarness.CreateAsync(faults);
        var file = (await fs.FileAsync(InodeId.Root, "f")).Id;
        faults.EnqueueCommit(fault);
        var request = fs.Root;
        Assert.Equal(7, (await fs.A.AppendAsync(request, file, 7, default)).Value.Length);
        Assert.Equal(9, (await fs.A.AppendAsync(fs.Root, file, 2, default)).Value.Length);
        Assert.Equal(7, (await fs.B.AppendAsync(request, file, 7, default)).Value.Length);
        Assert.Equal(9, (await fs.StatAsync(file)).Length);
    }

    [Fact]
    public async Task What_another_client_wrote_and_did_not_report_is_not_appended_over()
    {
        var (fs, file) = await OpenAsync();
        var session = fs.NewSession();
        var writer = fs.From(fs.NewClient());
        (await fs.A.OpenAsync(writer, file, OpenFlags.Write, session, default)).Status.ThrowIfFailed();
        fs.Chunks.Write(file, 500);
        Assert.Equal(510, (await fs.A.AppendAsync(fs.Root, file, 10, default)).Value.Length);
        Assert.Equal(1, fs.Chunks.Queries);
        (await fs.A.CloseAsync(writer, file, session, Wrote(500), default)).Status.ThrowIfFailed();
        Assert.Equal(520, (await fs.A.AppendAsync(fs.Root, file, 10, default)).Value.Length);
        Assert.Equal(1, fs.Chunks.Queries);
    }

    [Fact]
    public async Task Other_appenders_need_no_question_to_storage()
    {
        var (fs, file) = await OpenAsync();
        var other = fs.From(fs.NewClient());
        var flags = OpenFlags.Write | OpenFlags.Append;
        (await fs.A.OpenAsync(other, file, flags, fs.NewSession(), default)).Status.ThrowIfFailed();
        Assert.Equal(10, (await fs.A.AppendAsync(fs.Root, file, 10, default)).Value.Length);
        Assert.Equal(0, fs.Chunks.Queries);
    }

    [Fact]
    public async Task A_truncation_while_storage_is_asked_counts()
    {
        var (fs, file) = await OpenAsync();
        var writer = fs.From(fs.NewClient());
        (await fs.A.OpenAsync(writer, file, OpenFlags.Write, fs.NewSession(), default)).Status.ThrowIfFailed();
        fs.Chunks.Write(file, 9000);
        fs.Chunks.BeforeAnswer = async () =>
        {
            fs.Chunks.BeforeAnswer = null;
            (await fs.TruncateAsync(file, 50)).Status.ThrowIfFailed();
        };
        Assert.Equal(60, (await fs.A.AppendAsync(fs.Root, file, 10, default)).Value.Length);
    }

    [Fact]
    public async Task Every_append_tells_that_the_content_changed()
    {
        var (fs, file) = await OpenAsync();
        var before = await fs.StatAsync(file);
        var after = (await fs.A.AppendAsync(fs.Root, file, 1, default)).Value;
        Assert.True(after.DataVersion > before.DataVersion);
        Assert.True(after.ModifyTime.CompareTo(before.ModifyTime) > 0);
    }

    [Fact]
    public async Task What_cannot_be_appended_to_is_refused()
    {
        var (fs, file) = await OpenAsync();
        Assert.Equal(StatusCode.InvalidArgument, (await fs.A.AppendAsync(fs.Root, InodeId.Root, 1, default)).Code);
        Assert.Equal(StatusCode.InvalidArgument, (await fs.A.AppendAsync(fs.Root, file, 0, default)).Code);
        Assert.Equal(StatusCode.NotFound, (await fs.A.AppendAsync(fs.Root, new InodeId(77), 1, default)).Code);
        await fs.TruncateAsync(file, 1L << 60);
        Assert.Equal(StatusCode.FileTooLarge, (await fs.A.AppendAsync(fs.Root, file, 1, default)).Code);
    }

    private static async Task<(MetaHarness Fs, InodeId File)> OpenAsync()
    {
        var fs = await MetaHarness.CreateAsync();
        return (fs, (await fs.FileAsync(InodeId.Root, "f")).Id);
    }
}
