using ThreeFs.Base;
using ThreeFs.Client.Files;
using ThreeFs.Client.Storage;
using ThreeFs.Client.Tests.Testing;
using ThreeFs.Contracts.Meta;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Client.Tests.Files;

public sealed class FileSystemClientTests : IAsyncLifetime
{
    private const OpenFlags ReadWrite = OpenFlags.Read | OpenFlags.Write;
    private static readonly UserInfo _user = UserInfo.Root;
    private readonly FakeCluster _cluster = new(2, chains: 3);
    private readonly FakeMeta _meta;
    private readonly FileSystemClient _files;

    public FileSystemClientTests()
    {
        _meta = new FakeMeta(new FileChunks(_cluster.Client, _cluster.Routing, _cluster.Time), _cluster.Time);
        _files = Another();
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        await _files.DisposeAsync();
        await _cluster.DisposeAsync();
    }

    /// <summary>Another client of the same cluster, as far as files are concerned.</summary>
    private FileSystemClient Another() => new(
        _meta, new FileContents(_cluster.Client, _cluster.Routing,
            _cluster.Time), new ClientId(new Guid(9, 9, 9, new byte[8])),
        new FileSystemOptions(), _cluster.Time, new SeededRandom(3));

    /// <summary>Not async itself, so that the test goes on without the runner's context: everything then runs
    /// inline.</summary>
    private Task<OpenFile> CreateAsync(string name, OpenFlags flags = ReadWrite)
    {
        SynchronizationContext.SetSynchronizationContext(null);
        return MakeAsync(name, flags);
    }

    private async Task<OpenFile> MakeAsync(string name, OpenFlags flags) => (await _cluster.Run(_files.CreateAsync(
        _user, InodeId.Root, FileName.FromText(name), new NewInode(InodeType.File, 0x1A4), flags))).Value.File;

    private async Task<int> WriteAsync(OpenFile file, string text, long offset = 0)
    {
        using var lease = _cluster.Lease(System.Text.Encoding.ASCII.GetBytes(text), out var memory);
        return (await _cluster.Run(file.WriteAsync(offset, memory))).Value;
    }

    private async Task<string> ReadAsync(OpenFile file, int size = 100, long offset = 0)
    {
        using var lease = _cluster.Lease(new byte[size], out var memory);
        var length = (await _cluster.Run(file.ReadAsync(offset, memory))).Value;
        return System.Text.Encoding.ASCII.GetString(memory.Span[..length]);
    }

    [Fact]
    public async Task What_one_handle_writes_every_handle_here_reads_and_others_after_close()
    {
        var file = await CreateAsync("a");
        var reader = (await _cluster.Run(_files.OpenAsync(_user, file.Inode, OpenFlags.Read))).Value;
        await WriteAsync(file, "hello");
        Assert.Equal("hello", await ReadAsync(reader));
        Assert.Equal(5, (await _cluster.Run(_files.GetAttrAsync(_user, file.Inode))).Value.Length);
        Assert.Equal(0, _meta.Inodes[file.Inode].Length);
        Assert.Single(_meta.Sessions);
        Assert.Equal(Status.Ok, await _cluster.Run(file.CloseAsync()));
        Assert.Empty(_meta.Sessions);
        Assert.Equal(5, _meta.Inodes[file.Inode].Length);
        var other = (await _cluster.Run(Another().OpenAsync(_user, file.Inode, OpenFlags.Read))).Value;
        Assert.Equal("hello", await ReadAsync(other));
        Assert.Equal(Status.Ok, await _cluster.Run(reader.CloseAsync()));
        Assert.Equal(0, _files.OpenCount);
        Assert.Equal(StatusCode.StaleHandle, (await _cluster.Run(reader.CloseAsync())).Code);
    }

    [Fact]
    public async Task Open_for_reading_does_not_write_and_the_other_way_round()
    {
        var reader = await CreateAsync("a", OpenFlags.Read);
        var writer = (await _cluster.Run(_files.OpenAsync(_user, reader.Inode, OpenFlags.Write))).Value;
        Assert.Equal(StatusCode.InvalidArgument, (await _cluster.Run(reader.WriteAsync(0, default))).Code);
        Assert.Equal(StatusCode.InvalidArgument, (await _cluster.Run(writer.ReadAsync(0, default))).Code);
        Assert.Equal(StatusCode.InvalidArgument, (await _cluster.Run(reader.TruncateAsync(0))).Code);
    }

    [Fact]
    public async Task Fsync_flushes_chunks_before_the_record()
    {
        var file = await CreateAsync("a");
        await WriteAsync(file, "x", 100_000);
        _meta.Calls.Clear();
        foreach (var node in _cluster.Nodes) node.Before = m => _meta.Calls.Add(m.ToString());
        Assert.Equal(Status.Ok, await _cluster.Run(file.FSyncAsync()));
        Assert.Equal(["Flush", "Flush", "sync durable"], _meta.Calls);
        Assert.Equal(100_001, _meta.Inodes[file.Inode].Length);

        _meta.Calls.Clear();
        Assert.Equal(Status.Ok, await _cluster.Run(file.FSyncAsync(dataOnly: true)));
        Assert.Empty(_meta.Calls);
        await WriteAsync(file, "y");
        Assert.Equal(Status.Ok, await _cluster.Run(file.ReportAsync()));
        _meta.Calls.Clear();
        Assert.Equal(Status.Ok, await _cluster.Run(file.FSyncAsync(dataOnly: true)));
        Assert.Equal(["Flush", "Flush", "sync durable"], _meta.Calls);
    }

    [Fact]
    public async Task Failed_report_is_an_error_of_fsync_and_the_next_one_makes_it_good()
    {
        var file = await CreateAsync("a");
        await WriteAsync(file, "hello");
        _meta.FailNext["sync durable"] = StatusCode.DeadlineExceeded;
        Assert.Equal(StatusCode.DeadlineExceeded, (await _cluster.Run(file.FSyncAsync())).Code);
        Assert.Equal(Status.Ok, await _cluster.Run(file.FSyncAsync(dataOnly: true)));
        Assert.Equal(5, _meta.Inodes[file.Inode].Length);
    }

    [Fact]
    public async Task Appends_take_turns_over_all_handles()
    {
        var first = await CreateAsync("log", ReadWrite | OpenFlags.Append);
        var second =
            (await _cluster.Run(_files.OpenAsync(_user, first.Inode, OpenFlags.Write | OpenFlags.Append))).Value;
        using var lease = _cluster.Lease("abcde"u8, out var memory);
        var appends =
            Enumerable.Range(0, 200).Select(i =>
                (i % 2 == 0 ? first : second).WriteAsync(0, memory).AsTask()).ToArray();
        foreach (var append in appends) Assert.Equal(5, (await _cluster.Run(new ValueTask<Result<int>>(append))).Value);
        Assert.Equal(1000, first.Length);
        Assert.Equal(string.Concat(Enumerable.Repeat("abcde", 200)), await ReadAsync(first, 2000));
    }

    [Fact]
    public async Task Append_goes_behind_what_another_client_has_written_meanwhile()
    {
        var file = await CreateAsync("log", ReadWrite | OpenFlags.Append);
        await WriteAsync(file, "one");
        Assert.Equal(Status.Ok, await _cluster.Run(file.ReportAsync()));
        var other =
            (await _cluster.Run(Another().OpenAsync(_user, file.Inode, OpenFlags.Write | OpenFlags.Append))).Value;
        await WriteAsync(other, "two");
        _cluster.Time.Advance(TimeSpan.FromSeconds(2));
        await WriteAsync(file, "three");
        Assert.Equal("onetwothree", await ReadAsync(file));
    }

    [Fact]
    public async Task Reader_at_an_old_end_asks_for_the_length_anew()
    {
        var file = await CreateAsync("a");
        var reader = (await _cluster.Run(Another().OpenAsync(_user, file.Inode, OpenFlags.Read))).Value;
        await WriteAsync(file, "hello");
        Assert.Equal(Status.Ok, await _cluster.Run(file.ReportAsync()));
        Assert.Equal("", await ReadAsync(reader));
        _cluster.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal("hello", await ReadAsync(reader));
    }

    [Fact]
    public async Task Truncation_waits_for_writes_and_nothing_behind_the_new_end_comes_back()
    {
        var file = await CreateAsync("a");
        using var lease = _cluster.Lease(FakeCluster.Bytes(200_000, 1), out var memory);
        await _cluster.Run(file.WriteAsync(0, memory));
        _cluster.Nodes[0].Faults.Enqueue(Fault.Hang);
        _cluster.Nodes[1].Faults.Enqueue(Fault.Hang);
        var writing = file.WriteAsync(0, memory.Slice(0, 150_000)).AsTask();
        var cutting = file.TruncateAsync(70_000).AsTask();
        var later = file.WriteAsync(199_999, memory.Slice(0, 1)).AsTask();
        Assert.False(writing.IsCompleted);
        Assert.DoesNotContain("setattr", _meta.Calls);
        Assert.Equal(Status.Ok, await _cluster.Run(new ValueTask<Status>(cutting)));
        Assert.True(writing.IsCompleted);
        Assert.Equal(1, (await _cluster.Run(new ValueTask<Result<int>>(later))).Value);
        Assert.Equal(200_000, file.Length);
        memory.Span.Clear();
        Assert.Equal(200_000, (await _cluster.Run(file.ReadAsync(0, memory))).Value);
        var expected = FakeCluster.Bytes(200_000, 1);
        Array.Clear(expected, 70_000, 130_000);
        expected[199_999] = expected[0];
        Assert.True(memory.Span.SequenceEqual(expected));
    }

    [Fact]
    public async Task Open_with_truncation_cuts_what_other_handles_here_know()
    {
        var file = await CreateAsync("a");
        await WriteAsync(file, "hello");
        var again = (await _cluster.Run(_files.OpenAsync(_user, file.Inode, ReadWrite | OpenFlags.Truncate))).Value;
        Assert.Equal(0, file.Length);
        Assert.Equal("", await ReadAsync(file));
        await WriteAsync(again, "yo");
        Assert.Equal(Status.Ok, await _cluster.Run(again.CloseAsync()));
        Assert.Equal(2, _meta.Inodes[file.Inode].Length);
    }

    [Fact]
    public async Task Times_set_by_hand_survive_the_close_of_a_file_written_before()
    {
        var file = await CreateAsync("a");
        await WriteAsync(file, "hello");
        var change = new AttrChange(SetAttrMask.ModifyTime) { ModifyTime = new FileTime(12345) };
        Assert.Equal(12345,
            (await _cluster.Run(_files.SetAttrAsync(_user, file.Inode, change))).Value.ModifyTime.Nanoseconds);
        Assert.Equal(Status.Ok, await _cluster.Run(file.CloseAsync()));
        Assert.Equal((12345, 5), (_meta.Inodes[file.Inode].ModifyTime.Nanoseconds, _meta.Inodes[file.Inode].Length));
    }

    [Fact]
    public async Task Removed_file_lives_until_its_last_handle_closes()
    {
        var reader = await CreateAsync("a", OpenFlags.Read);
        var writer = (await _cluster.Run(_files.OpenAsync(_user, reader.Inode, OpenFlags.Write))).Value;
        await WriteAsync(writer, "hello");
        await _cluster.Run(_files.UnlinkAsync(_user, InodeId.Root, FileName.FromText("a"), reader.Inode));
        Assert.Equal(Status.Ok, await _cluster.Run(writer.CloseAsync()));
        Assert.True(_meta.Inodes.ContainsKey(reader.Inode));
        Assert.Equal("hello", await ReadAsync(reader));
        Assert.Equal(Status.Ok, await _cluster.Run(reader.CloseAsync()));
        Assert.False(_meta.Inodes.ContainsKey(reader.Inode));
        Assert.Empty(_meta.Sessions);
    }

    [Fact]
    public async Task Handle_that_closes_while_its_file_is_removed_leaves_no_session()
    {
        var file = await CreateAsync("a");
        var registering = new TaskCompletionSource();
        _meta.BeforeKeepOpen = registering.Task;
        var removal = _files.UnlinkAsync(_user, InodeId.Root, FileName.FromText("a"), file.Inode);
        Assert.Equal(Status.Ok, await _cluster.Run(file.CloseAsync()));
        registering.SetResult();
        Assert.True((await removal).IsOk);
        Assert.Empty(_meta.Sessions);
        Assert.Equal(0, _files.OpenCount);
    }

    [Fact]
    public async Task Lengths_are_reported_from_time_to_time()
    {
        var file = await CreateAsync("a");
        _files.Start();
        await WriteAsync(file, "hello");
        Assert.Equal(0, _meta.Inodes[file.Inode].Length);
        _cluster.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal(5, _meta.Inodes[file.Inode].Length);
    }

    [Fact]
    public async Task Session_whose_close_got_lost_is_ended_later()
    {
        var file = await CreateAsync("a");
        _meta.FailNext["close"] = StatusCode.DeadlineExceeded;
        Assert.Equal(StatusCode.DeadlineExceeded, (await _cluster.Run(file.CloseAsync())).Code);
        Assert.Single(_meta.Sessions);
        _meta.FailNext["prune"] = StatusCode.DeadlineExceeded;
        await _files.RunOnceAsync(default);
        Assert.Single(_meta.Sessions);
        await _files.RunOnceAsync(default);
        Assert.Empty(_meta.Sessions);
    }

    [Fact]
    public async Task Syncing_everything_flushes_closed_files_and_reports_open_ones()
    {
        var closed = await CreateAsync("a");
        await WriteAsync(closed, "hello");
        Assert.Equal(Status.Ok, await _cluster.Run(closed.CloseAsync()));
        var open = await CreateAsync("b");
        await WriteAsync(open, "hi");
        _meta.Calls.Clear();
        Assert.Equal(Status.Ok, await _cluster.Run(_files.SyncAllAsync()));
        Assert.Equal(["sync", "flush"], _meta.Calls);
        Assert.Equal(2, _cluster.Seen.Count(s => s.Method == StorageMethod.Flush));
        Assert.Equal(2, _meta.Inodes[open.Inode].Length);
    }

    [Fact]
    public async Task Only_regular_files_have_content()
    {
        var attr = FileContentTests.File(0x77) with { Type = InodeType.Directory };
        Assert.Equal(StatusCode.InvalidArgument, _files.Contents.Open(attr).Code);
        Assert.Equal(StatusCode.NotFound,
            (await _cluster.Run(_files.OpenAsync(_user, new InodeId(0x99), OpenFlags.Read))).Code);
    }
}
