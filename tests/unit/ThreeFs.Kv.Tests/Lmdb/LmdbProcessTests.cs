using ThreeFs.Base;
using ThreeFs.Kv.Lmdb;

namespace ThreeFs.Kv.Tests.Lmdb;

/// <summary>Several real processes on one environment, and kill -9 of them.</summary>
public sealed class LmdbProcessTests : LmdbTestBase
{
    [Fact]
    public async Task Processes_that_increment_one_counter_lose_no_increment()
    {
        await using var engine = Open();
        using var one = Child.Start("count", Root, "200", "n", "100");
        using var two = Child.Start("count", Root, "200", "n", "100");
        var retry = new KvRetry(engine, TimeProvider.System, new SeededRandom(1), new() { MaxRetries = 1000 });
        for (var i = 0; i < 200; i++) AssertOk(await Child.IncrementAsync(retry, "n"));
        await one.ExpectSuccessAsync();
        await two.ExpectSuccessAsync();
        Assert.Equal("400", await GetAsync(engine, "n"));
    }

    [Fact]
    public async Task A_commit_of_another_process_conflicts_and_is_seen()
    {
        await using var engine = Open();
        await PutAsync(engine, "a", "1");
        using var transaction = engine.BeginTransaction();
        await transaction.GetAsync(B("a"));
        transaction.Set(B("b"), B("1"));
        using var child = Child.Start("put", Root, "200", "a", "2");
        await child.ExpectSuccessAsync();
        Assert.Equal(StatusCode.TxConflict, (await transaction.CommitAsync()).Code);
        Assert.Equal("2", await GetAsync(engine, "a"));
        Assert.Null(await GetAsync(engine, "b"));
    }

    [Fact]
    public async Task A_writer_killed_inside_a_transaction_blocks_nobody_and_leaves_nothing()
    {
        await using var engine = Open();
        using var child = Child.Start("hold", Root, "200");
        await child.ExpectAsync("holding");
        using var transaction = engine.BeginTransaction();
        transaction.Set(B("after"), B("1"));
        var commit = transaction.CommitAsync(KvDurability.Durable).AsTask();
        Assert.False(commit.IsCompleted);
        await child.KillAsync();
        AssertOk(await commit);
        Assert.Equal("1", await GetAsync(engine, "after"));
        Assert.Null(await GetAsync(engine, "uncommitted"));
    }

    [Fact]
    public async Task Every_acknowledged_relaxed_commit_survives_the_death_of_all_processes()
    {
        for (var round = 1; round <= 3; round++)
        {
            // No background flush: only the page cache has them.
            using var child = Child.Start("stream", Root, "3600000");
            for (var i = 0; i < 100 * round; i++) Assert.Equal($"{i}", await child.ReadLineAsync());
            await child.KillAsync();
            var last = 100 * round - 1;
            while (await child.ReadLineAsync() is { } line) last = int.Parse(line);
            await using var engine = Open();
            for (var i = 0; i <= last; i++) Assert.Equal($"{i}", await GetAsync(engine, $"stream/{i:d8}"));
        }
    }

    [Fact]
    public async Task An_idle_process_does_not_make_the_file_grow()
    {
        // 4000 commits of some 40 KiB of pages each: 160 MiB if the idle process kept its first pin.
        await using var idle = Open(new() { Path = Root, FlushInterval = TimeSpan.FromMilliseconds(5) });
        using var child = Child.Start("fill", Root, "5", "4000");
        await child.ExpectAsync("filled");
        Assert.InRange(new FileInfo(Path.Combine(Root, "data.mdb")).Length, 1, 64 << 20);
        Assert.Equal($"{3999:d100}", await GetAsync(idle, "fill/0499"));
    }

    [Fact]
    public async Task A_steady_point_of_a_killed_process_stays_protected()
    {
        var boot = Guid.Parse("11111111-1111-1111-1111-111111111111");
        var options = new LmdbOptions { Path = Path.Combine(Root, "live"), FlushInterval = TimeSpan.FromHours(1) };
        await using var survivor = Open(options);
        for (var i = 0; i < 100; i++) await PutAsync(survivor, $"k{i}", "before");
        using var child = Child.Start("flush", options.Path, "3600000", "child", "1");
        await child.ExpectAsync("flushed");
        var flushed = await AllAsync(survivor);
        var disk = PowerFailure.Copy(options.Path, Path.Combine(Root, "disk"));
        await child.KillAsync();

        // Many times the size of the data: every page that may be reused is.
        for (var i = 0; i < 800; i++) await PutAsync(survivor, $"k{i % 100}", $"after {i}");
        var image = PowerFailure.Image(disk, options.Path, Path.Combine(Root, "image"), new SeededRandom(1));
        await using var restored = Open(new() { Path = image, BootId = boot });
        Assert.Equal(flushed, await AllAsync(restored));
    }
}
