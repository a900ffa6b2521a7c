using Microsoft.Extensions.Time.Testing;
using ThreeFs.Base;

namespace ThreeFs.Kv.Tests.Memory;

/// <summary>What the contract does not say: the engine forgets what nobody may read any more.</summary>
public sealed class MemoryKvEngineTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task Old_commits_are_forgotten_and_their_rows_trimmed()
    {
        var engine = new MemoryKvEngine(_time);
        for (var i = 0; i < 100; i++) await CommitAsync(engine, tx => tx.Set("a"u8, "1"u8));
        await CommitAsync(engine, tx => tx.Set("b"u8, "1"u8));
        await CommitAsync(engine, tx => tx.ClearRange("b"u8, "c"u8));
        Assert.Equal(102, engine.RecentCount);
        Assert.Equal(1, engine.RowCount);
        _time.Advance(KvLimits.MaxAge + TimeSpan.FromMilliseconds(1));
        await CommitAsync(engine, tx => tx.Set("c"u8, "1"u8));
        Assert.Equal(1, engine.RecentCount);
        Assert.Equal(2, engine.RowCount);
        using var reader = engine.BeginReadOnly();
        Assert.True((await reader.GetAsync("a"u8)).Value.Exists);
        Assert.False((await reader.GetAsync("b"u8)).Value.Exists);
    }

    [Fact]
    public async Task A_snapshot_keeps_its_versions_while_it_may_read()
    {
        var engine = new MemoryKvEngine(_time);
        await CommitAsync(engine, tx => tx.Set("a"u8, "old"u8));
        _time.Advance(TimeSpan.FromSeconds(4));
        using var reader = engine.BeginReadOnly();
        await reader.GetReadVersionAsync();
        await CommitAsync(engine, tx => tx.Clear("a"u8));
        _time.Advance(TimeSpan.FromSeconds(4));
        await CommitAsync(engine, tx => tx.Set("b"u8, "1"u8));
        Assert.Equal("old"u8.ToArray(), (await reader.GetAsync("a"u8)).Value.Bytes);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Power_loss_undoes_a_suffix_of_what_was_not_flushed(bool byFlush)
    {
        var kept = new HashSet<int>();
        for (var seed = 0UL; seed < 64; seed++)
        {
            var engine = new MemoryKvEngine(_time) { CanLosePower = true };
            for (var i = 0; i < 3; i++) await CommitAsync(engine, tx => tx.Set([(byte)i], "old"u8), KvDurability.Relaxed);
            if (byFlush) await engine.FlushAsync();
            else await CommitAsync(engine, tx => tx.Set("z"u8, "z"u8));
            _time.Advance(KvLimits.MaxAge * 2);
            for (var i = 0; i < 3; i++) await CommitAsync(engine, tx => tx.Set([(byte)i], "new"u8), KvDurability.Relaxed);
            var lost = engine.LosePower(new SeededRandom(seed));
            using var reader = engine.BeginReadOnly();
            for (var i = 0; i < 3; i++)
                Assert.Equal(i < 3 - lost ? "new"u8.ToArray() : "old"u8.ToArray(), (await reader.GetAsync([(byte)i])).Value.Bytes);
            kept.Add((int)lost);
            Assert.Equal(0, engine.LosePower(new SeededRandom(seed)));
        }

        Assert.Equal([0, 1, 2, 3], kept.Order());
    }

    private static async Task CommitAsync(
        IKvEngine engine, Action<IKvTransaction> write, KvDurability durability = KvDurability.Durable)
    {
        using var transaction = engine.BeginTransaction();
        write(transaction);
        Assert.True((await transaction.CommitAsync(durability)).IsOk);
    }
}
