using ThreeFs.Base;

namespace ThreeFs.Kv.Tests.Contract;

public abstract class MutationContract<TStore> : ContractBase<TStore>
    where TStore : TestStore, new()
{
    // FoundationDB's rules: little-endian, the operand's length wins, a missing value counts as zeros (or as nothing
    // for ByteMax).
    [Theory]
    [InlineData(KvMutation.Add, null, "\x05", "\x05")]
    [InlineData(KvMutation.Add, "\x01", "\x05", "\x06")]
    [InlineData(KvMutation.Add, "\xFF", "\x01", "\x00")]
    [InlineData(KvMutation.Add, "\xFF\x00", "\x01\x00", "\x00\x01")]
    [InlineData(KvMutation.Add, "\xFF", "\x01\x00", "\x00\x01")]
    [InlineData(KvMutation.Add, "\x01\x02\x03", "\x01", "\x02")]
    [InlineData(KvMutation.Add, "\x05", "\xFF", "\x04")]
    [InlineData(KvMutation.Add, "\x05", "", "")]
    [InlineData(KvMutation.Max, null, "\x05", "\x05")]
    [InlineData(KvMutation.Max, "\x07", "\x05", "\x07")]
    [InlineData(KvMutation.Max, "\x05", "\x07", "\x07")]
    [InlineData(KvMutation.Max, "\x00\x01", "\xFF\x00", "\x00\x01")]
    [InlineData(KvMutation.Max, "\x07", "\x05\x00", "\x07\x00")]
    [InlineData(KvMutation.Max, "\x01\x01", "\x05", "\x05")]
    [InlineData(KvMutation.ByteMax, null, "", "")]
    [InlineData(KvMutation.ByteMax, "b", "a", "b")]
    [InlineData(KvMutation.ByteMax, "a", "b", "b")]
    [InlineData(KvMutation.ByteMax, "a", "aa", "aa")]
    [InlineData(KvMutation.ByteMax, "b", "aaaa", "b")]
    public async Task Mutations_have_FoundationDBs_arithmetic(
        KvMutation mutation,
        string? before,
        string operand,
        string after)
    {
        if (before is not null) await PutAsync(("k", before));
        using var transaction = Engine.BeginTransaction();
        transaction.Mutate(mutation, B("k"), B(operand));
        Assert.Equal(after, await ReadAsync(transaction, "k", snapshot: true));
        AssertOk(await transaction.CommitAsync(KvDurability.Relaxed));
        Assert.Equal(after, await CommittedAsync("k"));
    }

    [Fact]
    public async Task Mutations_see_the_value_of_the_commit_not_of_the_snapshot()
    {
        using var transaction = Engine.BeginTransaction();
        await ReadAsync(transaction, "x");
        transaction.AtomicAdd(B("n"), 5);
        transaction.AtomicMax(B("m"), 7);
        using (var other = Engine.BeginTransaction())
        {
            other.AtomicAdd(B("n"), 10);
            other.AtomicMax(B("m"), 9);
            AssertOk(await other.CommitAsync());
        }

        AssertOk(await transaction.CommitAsync());
        using var reader = Engine.BeginReadOnly();
        Assert.Equal(15u, (await reader.GetAsync(B("n"))).Value.ReadCounter());
        Assert.Equal(9u, (await reader.GetAsync(B("m"))).Value.ReadCounter());
    }

    [Fact]
    public async Task Mutations_build_on_own_writes()
    {
        await PutAsync(("a", "\x01"), ("b", "\x01"), ("c", "\x01"));
        using var transaction = Engine.BeginTransaction();
        transaction.Set(B("a"), B("\x10"));
        transaction.Mutate(KvMutation.Add, B("a"), B("\x01"));
        transaction.Clear(B("b"));
        transaction.Mutate(KvMutation.Add, B("b"), B("\x02"));
        transaction.ClearRange(B("c"), B("d"));
        transaction.Mutate(KvMutation.Add, B("c"), B("\x03"));
        transaction.Mutate(KvMutation.Add, B("e"), B("\x04"));
        transaction.Mutate(KvMutation.Add, B("e"), B("\x04"));
        transaction.Mutate(KvMutation.Max, B("e"), B("\x07"));
        Assert.Equal("a=\x11 b=\x02 c=\x03 e=\x08", await RangeAsync(transaction, "a", "z"));
        AssertOk(await transaction.CommitAsync());
        using var reader = Engine.BeginReadOnly();
        Assert.Equal("a=\x11 b=\x02 c=\x03 e=\x08", await RangeAsync(reader, "a", "z"));
    }

    [Fact]
    public async Task Negative_deltas_subtract()
    {
        using var transaction = Engine.BeginTransaction();
        transaction.AtomicAdd(B("n"), 5);
        transaction.AtomicAdd(B("n"), -2);
        AssertOk(await transaction.CommitAsync());
        using var reader = Engine.BeginReadOnly();
        Assert.Equal(3u, (await reader.GetAsync(B("n"))).Value.ReadCounter());
    }

    [Fact]
    public async Task An_unknown_mutation_fails_the_commit()
    {
        using var transaction = Engine.BeginTransaction();
        transaction.Set(B("a"), B("1"));
        transaction.Mutate((KvMutation)99, B("b"), B("1"));
        Assert.Equal(StatusCode.InvalidArgument, await CommitOutcomeAsync(transaction));
        Assert.Null(await CommittedAsync("a"));
    }

    [Fact]
    public async Task Stamped_keys_are_unique_and_in_commit_order()
    {
        var stamps = new List<Versionstamp>();
        for (var i = 0; i < 5; i++)
        {
            using var transaction = Engine.BeginTransaction();
            transaction.SetVersionstampedKey(B("q/..........!"), 2, B($"{i}"));
            AssertOk(await transaction.CommitAsync(KvDurability.Relaxed));
            Assert.Equal((ulong)transaction.CommittedVersion.Value, transaction.CommittedStamp.Version);
            stamps.Add(transaction.CommittedStamp);
        }

        Assert.Equal(stamps.Order(), stamps);
        Assert.Equal(5, stamps.Distinct().Count());
        using var reader = Engine.BeginReadOnly();
        var rows = (await reader.GetRangeAsync(B("q/"), B("q0"))).Value.Rows;
        Assert.Equal("01234", string.Concat(rows.Select(row => S(row.Value))));
        Assert.Equal(stamps, rows.Select(row => Versionstamp.Read(row.Key.AsSpan(2))));
        Assert.All(rows, row => Assert.Equal((byte)'!', row.Key[^1]));
    }

    [Fact]
    public async Task Stamps_of_concurrent_commits_are_unique()
    {
        var stamps = await Task.WhenAll(Enumerable.Range(0, 50).Select(async _ =>
        {
            using var transaction = Engine.BeginTransaction();
            transaction.SetVersionstampedKey(B("q/.........."), 2, B("1"));
            AssertOk(await transaction.CommitAsync(KvDurability.Relaxed));
            return transaction.CommittedStamp;
        }));
        Assert.Equal(50, stamps.Distinct().Count());
        using var reader = Engine.BeginReadOnly();
        Assert.Equal(50, (await reader.GetRangeAsync(B("q/"), B("q0"))).Value.Rows.Count);
    }

    [Fact]
    public async Task Stamped_values_hold_the_commits_stamp()
    {
        using var transaction = Engine.BeginTransaction();
        transaction.SetVersionstampedValue(B("v"), B("<..........>"), 1);
        AssertOk(await transaction.CommitAsync());
        using var reader = Engine.BeginReadOnly();
        var value = (await reader.GetAsync(B("v"))).Value.Bytes!;
        Assert.Equal(transaction.CommittedStamp, Versionstamp.Read(value.AsSpan(1)));
        Assert.Equal((byte)'<', value[0]);
        Assert.Equal((byte)'>', value[^1]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_stamped_value_cannot_be_read_before_its_commit_and_who_tries_does_not_commit(bool inRange)
    {
        using var transaction = Engine.BeginTransaction();
        transaction.SetVersionstampedValue(B("v"), B("<..........>"), 1);
        var read = inRange
            ? (await transaction.GetRangeAsync(B("a"), B("z"))).Code
            : (await transaction.GetAsync(B("v"))).Code;
        Assert.Equal(StatusCode.InvalidArgument, read);
        Assert.Equal(StatusCode.InvalidArgument, await CommitOutcomeAsync(transaction));
        Assert.Null(await CommittedAsync("v"));
    }

    [Fact]
    public async Task A_stamped_key_conflicts_with_readers_of_its_place()
    {
        using var reader = Engine.BeginTransaction();
        await RangeAsync(reader, "q/", "q0");
        reader.Set(B("x"), B("1"));
        using (var other = Engine.BeginTransaction())
        {
            other.SetVersionstampedKey(B("q/.........."), 2, B("1"));
            AssertOk(await other.CommitAsync());
        }

        Assert.Equal(StatusCode.TxConflict, await CommitOutcomeAsync(reader));
    }

    [Fact]
    public async Task A_stamped_key_cannot_be_read_before_its_commit()
    {
        using var transaction = Engine.BeginTransaction();
        transaction.SetVersionstampedKey(B("q/.........."), 2, B("1"));
        Assert.Equal(StatusCode.InvalidArgument, (await transaction.GetAsync(B("q/0123456789"))).Code);
        Assert.Equal(StatusCode.InvalidArgument, (await transaction.GetRangeAsync(B("q"), B("r"))).Code);
        Assert.True((await transaction.GetRangeAsync(B("a"), B("q/"))).IsOk);
        Assert.True((await transaction.GetAsync(B("q0"))).IsOk);
    }

    [Fact]
    public async Task Clearing_the_place_of_a_stamped_key_takes_it_back()
    {
        using var transaction = Engine.BeginTransaction();
        transaction.SetVersionstampedKey(B("q/.........."), 2, B("1"));
        transaction.ClearRange(B("q"), B("r"));
        AssertOk(await transaction.CommitAsync());
        using var reader = Engine.BeginReadOnly();
        Assert.Equal("", await RangeAsync(reader, "q", "r"));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(3)]
    [InlineData(int.MaxValue)]
    public async Task A_stamp_must_fit(int offset)
    {
        using var key = Engine.BeginTransaction();
        key.SetVersionstampedKey(B("q/.........."), offset, B("1"));
        Assert.Equal(StatusCode.InvalidArgument, await CommitOutcomeAsync(key));
        using var value = Engine.BeginTransaction();
        value.SetVersionstampedValue(B("v"), B("............"), offset);
        Assert.Equal(StatusCode.InvalidArgument, await CommitOutcomeAsync(value));
    }
}
