using Microsoft.Extensions.Time.Testing;
using ThreeFs.Base;
using ThreeFs.Kv.Lmdb;
using ThreeFs.Kv.Lmdb.Native;
using ThreeFs.Kv.Lmdb.Storage;

namespace ThreeFs.Kv.Tests.Lmdb;

public sealed class LmdbKvEngineTests : LmdbTestBase
{
    [Fact]
    public async Task Two_engines_of_one_process_share_the_environment()
    {
        var one = Open();
        var two = Open(new() { Path = Root + "/../" + Path.GetFileName(Root) });
        using var reader = two.BeginTransaction();
        await reader.GetAsync(B("a"));
        reader.Set(B("b"), B("1"));
        await PutAsync(one, "a", "1");
        Assert.Equal(StatusCode.TxConflict, (await reader.CommitAsync()).Code);
        await one.DisposeAsync();
        await one.DisposeAsync();
        Assert.Equal("1", await GetAsync(two, "a"));
        await two.DisposeAsync();
        await using var again = Open();
        Assert.Equal("1", await GetAsync(again, "a"));
    }

    [Fact]
    public async Task A_closed_engine_answers_Cancelled()
    {
        var engine = Open();
        var open = engine.BeginTransaction();
        await open.GetAsync(B("a"));
        open.Set(B("a"), B("1"));
        var late = engine.BeginTransaction();
        late.Set(B("b"), B("1"));
        await engine.DisposeAsync();
        Assert.Equal(StatusCode.TxTooOld, (await open.GetAsync(B("b"))).Code);
        Assert.Equal(StatusCode.Cancelled, (await open.CommitAsync()).Code);
        Assert.Equal(StatusCode.Cancelled, (await late.GetAsync(B("c"))).Code);
        Assert.Equal(StatusCode.Cancelled, (await engine.FlushAsync()).Code);
        open.Dispose();
    }

    [Fact]
    public async Task Commits_are_observed_with_their_operations_and_results()
    {
        var seen = new Commits();
        await using var engine = Open(new() { Path = Root, Observer = seen });
        using var loser = engine.BeginTransaction();
        await loser.GetAsync(B("a"));
        loser.Set(B("b"), B("1"));
        using (var winner = engine.BeginTransaction())
        {
            winner.Set(B("a"), B("1"));
            winner.Clear(B("c"));
            winner.AtomicAdd(B("n"), 1);
            Assert.True((await winner.CommitAsync()).IsOk);
        }

        await loser.CommitAsync();
        using var reader = engine.BeginTransaction();
        Assert.True((await reader.CommitAsync()).IsOk);
        Assert.Equal([(StatusCode.Ok, 3), (StatusCode.TxConflict, 1)], seen.Seen);
    }

    [Fact]
    public async Task Snapshots_are_bounded_and_come_back()
    {
        await using var engine = Open(new() { Path = Root, MaxSnapshots = 3 });
        var open = Enumerable.Range(0, 3).Select(_ => engine.BeginTransaction()).ToArray();
        foreach (var transaction in open) Assert.True((await transaction.GetAsync(B("a"))).IsOk);
        using (var refused = engine.BeginTransaction())
            Assert.Equal(StatusCode.TxThrottled, (await refused.GetAsync(B("a"))).Code);
        Assert.Equal(3, engine.Statistics.Snapshots);
        foreach (var transaction in open) transaction.Dispose();
        Assert.Equal(0, engine.Statistics.Snapshots);
        Assert.Null(await GetAsync(engine, "a"));
    }

    [Fact]
    public async Task An_idle_transaction_loses_its_snapshot_so_that_its_pages_are_free()
    {
        var time = new FakeTimeProvider();
        await using var engine = LmdbKvEngine.Open(new() { Path = Root }, time).Value;
        using var idle = engine.BeginTransaction();
        await idle.GetAsync(B("a"));
        time.Advance(KvLimits.MaxAge + TimeSpan.FromMilliseconds(1));
        engine.Environment.Snapshots.ExpireOld();
        Assert.Equal(StatusCode.TxTooOld, (await idle.GetAsync(B("a"))).Code);
    }

    [Fact]
    public async Task Concurrent_commits_share_LMDB_commits_and_flushes()
    {
        await using var engine = Open(new() { Path = Root, FlushInterval = TimeSpan.FromHours(1) });
        var before = engine.Statistics;
        var release = new ManualResetEventSlim();

        // The first commit finds the write lock taken; everybody else gathers behind it.
        Assert.Equal(0, Mdb.TxnBegin(engine.Environment.Handle, 0, 0, out var txn));
        var commits = Enumerable.Range(0, 200).Select(
            i => PutAsync(engine, $"k{i}", "1", KvDurability.Durable)).ToArray();
        Mdb.TxnAbort(txn);
        await Task.WhenAll(commits);
        var after = engine.Statistics;
        Assert.Equal(200, after.Commits - before.Commits);
        Assert.InRange(after.Batches - before.Batches, 1, 2);
        Assert.InRange(after.Flushes - before.Flushes, 1, 3);
    }

    [Fact]
    public async Task A_full_queue_throttles()
    {
        await using var engine = Open(new() { Path = Root, MaxQueuedCommits = 4 });
        Assert.Equal(0, Mdb.TxnBegin(engine.Environment.Handle, 0, 0, out var txn));
        var commits = new List<Task<Status>>();
        for (var i = 0; i < 2100; i++)
        {
            using var transaction = engine.BeginTransaction();
            transaction.Set(B($"k{i}"), B("1"));
            commits.Add(transaction.CommitAsync(KvDurability.Relaxed).AsTask());
        }

        Mdb.TxnAbort(txn);
        var outcomes = (await Task.WhenAll(commits)).CountBy(status => status.Code).ToDictionary();
        Assert.True(outcomes[StatusCode.TxThrottled] > 0);
        Assert.Equal(2100, outcomes[StatusCode.Ok] + outcomes[StatusCode.TxThrottled]);
        Assert.Equal(outcomes[StatusCode.Ok], (await AllAsync(engine)).Count);
    }

    [Fact]
    public async Task A_full_map_answers_NoSpace_and_loses_nothing()
    {
        await using var engine = Open(new() { Path = Root, MapSize = 4 << 20, FlushInterval = TimeSpan.FromHours(1) });
        await FillUntilNoSpaceAsync(engine);
    }

    [Fact]
    public async Task A_full_disk_answers_NoSpace_and_loses_nothing()
    {
        var disk = Path.Combine(Root, "disk");
        Directory.CreateDirectory(disk);
        Run("mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk);
        try
        {
            var options = new LmdbOptions { Path = Path.Combine(disk, "kv"), FlushInterval = TimeSpan.FromHours(1) };
            await using (var engine = Open(options)) await FillUntilNoSpaceAsync(engine);
            await using var reopened = Open(options);
            Assert.Equal("1", await GetAsync(reopened, "after"));
        }
        finally
        {
            // Lazily: a process that another test starts at this moment has the files for an instant too.
            Run("umount", "-l", disk);
        }
    }

    [Fact]
    public async Task A_large_transaction_that_does_not_fit_does_not_take_small_ones_with_it()
    {
        await using var engine = Open(new() { Path = Root, MapSize = 4 << 20 });
        Assert.Equal(0, Mdb.TxnBegin(engine.Environment.Handle, 0, 0, out var txn));
        var small = PutAsync(engine, "small", "1");
        using var large = engine.BeginTransaction();
        for (var i = 0; i < 60; i++) large.Set(B($"l{i}"), new byte[KvLimits.MaxValueBytes]);
        var refused = large.CommitAsync(KvDurability.Relaxed).AsTask();
        var other = PutAsync(engine, "other", "1");
        Mdb.TxnAbort(txn);
        await small;
        await other;
        Assert.Equal(StatusCode.NoSpace, (await refused).Code);
        Assert.Equal(["other", "small"], (await AllAsync(engine)).Keys);
    }

    [Fact]
    public async Task A_newer_format_is_refused_by_name()
    {
        await using (var engine = Open())
        {
            Assert.Equal(0, Mdb.TxnBegin(engine.Environment.Handle, 0, 0, out var txn));
            Assert.Equal(0, MdbWrites.PutRow(txn, engine.Environment.Database, StoredKeys.Format, [2]));
            Assert.Equal(0, Mdb.TxnCommit(txn));
        }

        var refused = LmdbKvEngine.Open(new() { Path = Root }, TimeProvider.System);
        Assert.Equal(StatusCode.UnknownFormatVersion, refused.Code);
        Assert.Contains(Root, refused.Status.Message);
    }

    [Fact]
    public async Task The_commit_log_is_trimmed_to_its_window()
    {
        var time = new FakeTimeProvider();
        await using var engine = LmdbKvEngine.Open(
            new() { Path = Root, ConflictWindow = TimeSpan.FromSeconds(10) },
            time).Value;
        for (var i = 0; i < 100; i++)
        {
            await PutAsync(engine, $"k{i}", "1");
            time.Advance(TimeSpan.FromSeconds(1));
        }

        var code = Mdb.TxnBegin(engine.Environment.Handle, 0, Mdb.ReadOnly, out var txn);
        Assert.Equal(0, code);
        var kept = 0;
        var key = new byte[StoredKeys.LogKeyBytes];
        for (var version = 1; version <= 100; version++)
        {
            StoredKeys.WriteLogKey(key, new KvVersion(version));
            if (MdbReads.FindRow(txn, engine.Environment.Database, key, out _) == 0) kept++;
        }

        Mdb.TxnAbort(txn);
        Assert.InRange(kept, 10, 12);
    }

    [Fact]
    public void A_directory_that_cannot_be_made_is_named()
    {
        var file = Path.Combine(Root, "file");
        File.WriteAllText(file, "");
        var refused = LmdbKvEngine.Open(new() { Path = Path.Combine(file, "kv") }, TimeProvider.System);
        Assert.Equal(StatusCode.IoError, refused.Code);
        Assert.Contains(file, refused.Status.Message);
    }

    [Fact]
    public void A_foreign_data_file_is_refused()
    {
        File.WriteAllText(Path.Combine(Root, "data.mdb"), new string('x', 10000));
        Assert.Equal(StatusCode.Corruption, LmdbKvEngine.Open(new() { Path = Root }, TimeProvider.System).Code);
    }

    [Fact]
    public async Task A_missing_data_file_is_not_taken_for_a_new_environment()
    {
        await using (var engine = Open()) await PutAsync(engine, "a", "1");
        File.Delete(Path.Combine(Root, "data.mdb"));
        var refused = LmdbKvEngine.Open(new() { Path = Root }, TimeProvider.System);
        Assert.Equal(StatusCode.Corruption, refused.Code);
        Assert.Contains("data.mdb", refused.Status.Message);
    }

    [Theory]
    [InlineData("lmdb:/var/lib/kv", "/var/lib/kv")]
    [InlineData("lmdb:relative", "relative")]
    [InlineData("lmdb:", null)]
    [InlineData("fdb:/etc/cluster", null)]
    [InlineData("", null)]
    public void Uris_are_parsed(string uri, string? path)
    {
        var options = LmdbOptions.Parse(uri);
        if (path is null) Assert.Equal(StatusCode.InvalidArgument, options.Code);
        else Assert.Equal(path, options.Value.Path);
    }

    [Theory]
    [InlineData("lmdb:/kv", 64L << 30)]
    [InlineData("lmdb:/kv?map_size=256GiB", 256L << 30)]
    [InlineData("lmdb:/kv?map_size=lots", null)]
    [InlineData("lmdb:?map_size=1GiB", null)]
    public void The_size_that_a_store_may_reach_is_part_of_its_uri(string uri, long? size)
    {
        var options = LmdbOptions.Parse(uri);
        if (size is null) Assert.Equal(StatusCode.InvalidArgument, options.Code);
        else Assert.Equal(("/kv", size.Value), (options.Value.Path, options.Value.MapSize));
    }

    [Fact]
    public void Bad_options_are_named()
    {
        (LmdbOptions Options, string Name)[] cases =
        [
            (new() { Path = " " }, "Path"),
            (new() { Path = Root, MapSize = 5 }, "MapSize"),
            (new() { Path = Root, MaxReaders = 1 }, "MaxReaders"),
            (new() { Path = Root, MaxSnapshots = 0 }, "MaxSnapshots"),
            (new() { Path = Root, MaxQueuedCommits = 0 }, "MaxQueuedCommits"),
            (new() { Path = Root, FlushInterval = TimeSpan.Zero }, "FlushInterval"),
            (new() { Path = Root, ConflictWindow = TimeSpan.FromSeconds(1) }, "ConflictWindow"),
        ];
        foreach (var (options, name) in cases)
        {
            var refused = LmdbKvEngine.Open(options, TimeProvider.System);
            Assert.Equal(StatusCode.InvalidArgument, refused.Code);
            Assert.Contains(name, refused.Status.Message);
        }
    }

    private static async Task FillUntilNoSpaceAsync(LmdbKvEngine engine)
    {
        var model = new SortedDictionary<string, string>(StringComparer.Ordinal);
        var value = new string('v', 20_000);
        Status status;
        for (var i = 0; ; i++)
        {
            Assert.InRange(i, 0, 1000);
            using var transaction = engine.BeginTransaction();
            transaction.Set(B($"k{i:d4}"), B(value));
            status = await transaction.CommitAsync(KvDurability.Relaxed);
            if (!status.IsOk) break;
            model.Add($"k{i:d4}", value);
        }

        Assert.Equal(StatusCode.NoSpace, status.Code);
        Assert.NotEmpty(model);
        Assert.Equal(model, await AllAsync(engine));

        // A flush frees what earlier commits replaced; then clearing works, and space is there again.
        AssertOk(await engine.FlushAsync());
        using var clear = engine.BeginTransaction();
        clear.ClearRange(B("k"), B("l"));
        AssertOk(await clear.CommitAsync());
        AssertOk(await engine.FlushAsync());
        await PutAsync(engine, "again", value);
        await PutAsync(engine, "after", "1");
        Assert.Equal(["after", "again"], (await AllAsync(engine)).Keys);
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = System.Diagnostics.Process.Start(program, arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }

    private sealed class Commits : IKvObserver
    {
        public List<(StatusCode Code, int Operations)> Seen { get; } = [];

        public void CommitDone(StatusCode code, int operations, TimeSpan elapsed)
        {
            lock (Seen) Seen.Add((code, operations));
        }

        public void ReadDone(StatusCode code, TimeSpan elapsed)
        {
        }
    }
}
