using ThreeFs.Base;

namespace ThreeFs.Kv.Tests.Contract;

/// <summary>
/// Which pairs of transactions conflict. "Other" always commits between the read and the commit of the one under test.
/// </summary>
public abstract class ConflictContract<TStore> : ContractBase<TStore>
    where TStore : TestStore, new()
{
    [Fact]
    public Task Get_conflicts_with_a_set_of_the_key() => ExpectAsync(
        StatusCode.TxConflict, read: tx => ReadAsync(tx, "b"), other: tx => tx.Set(B("b"), B("2")));

    [Fact]
    public Task Get_of_a_missing_key_conflicts_with_its_creation() => ExpectAsync(
        StatusCode.TxConflict, read: tx => ReadAsync(tx, "bb"), other: tx => tx.Set(B("bb"), B("2")));

    [Fact]
    public Task Get_conflicts_with_a_clear() => ExpectAsync(
        StatusCode.TxConflict, read: tx => ReadAsync(tx, "b"), other: tx => tx.Clear(B("b")));

    [Fact]
    public Task Get_conflicts_with_a_clear_of_a_missing_key() => ExpectAsync(
        StatusCode.TxConflict, read: tx => ReadAsync(tx, "bb"), other: tx => tx.Clear(B("bb")));

    [Fact]
    public Task Get_conflicts_with_a_cleared_range() => ExpectAsync(
        StatusCode.TxConflict, read: tx => ReadAsync(tx, "bb"), other: tx => tx.ClearRange(B("b"), B("c")));

    [Fact]
    public Task Get_conflicts_with_an_atomic_mutation() => ExpectAsync(
        StatusCode.TxConflict, read: tx => ReadAsync(tx, "b"), other: tx => tx.AtomicAdd(B("b"), 1));

    [Fact]
    public Task Get_conflicts_with_a_write_conflict_key() => ExpectAsync(
        StatusCode.TxConflict, read: tx => ReadAsync(tx, "b"), other: tx => tx.AddWriteConflictKey(B("b")));

    [Fact]
    public Task Get_conflicts_with_a_write_conflict_range() => ExpectAsync(
        StatusCode.TxConflict, read: tx => ReadAsync(tx, "b"), other: tx => tx.AddWriteConflictRange(B("a"), B("b\0")));

    [Fact]
    public Task Get_ignores_a_range_that_ends_before_it() => ExpectAsync(
        StatusCode.Ok, read: tx => ReadAsync(tx, "b"), other: tx => tx.AddWriteConflictRange(B("a"), B("b")));

    [Fact]
    public Task Get_ignores_other_keys() => ExpectAsync(
        StatusCode.Ok, read: tx => ReadAsync(tx, "b"), other: tx => tx.Set(B("b\0"), B("2")));

    [Fact]
    public Task Snapshot_reads_never_conflict() => ExpectAsync(
        StatusCode.Ok,
        read: async tx =>
        {
            await ReadAsync(tx, "b", snapshot: true);
            await RangeAsync(tx, "a", "z", snapshot: true);
        },
        other: tx => tx.ClearRange(B("a"), B("z")));

    [Fact]
    public Task A_read_conflict_key_is_like_a_get() => ExpectAsync(
        StatusCode.TxConflict,
        read: async tx =>
        {
            await ReadAsync(tx, "b", snapshot: true);
            tx.AddReadConflictKey(B("b"));
        },
        other: tx => tx.Set(B("b"), B("2")));

    [Fact]
    public Task A_read_conflict_range_covers_its_keys() => ExpectAsync(
        StatusCode.TxConflict,
        read: async tx =>
        {
            await ReadAsync(tx, "x", snapshot: true);
            tx.AddReadConflictRange(B("b"), B("d"));
        },
        other: tx => tx.Set(B("cc"), B("2")));

    [Fact]
    public Task A_range_read_conflicts_with_an_insertion_into_it() => ExpectAsync(
        StatusCode.TxConflict, read: tx => RangeAsync(tx, "a", "z"), other: tx => tx.Set(B("bb"), B("2")));

    [Fact]
    public Task A_range_read_conflicts_behind_its_last_row() => ExpectAsync(
        StatusCode.TxConflict, read: tx => RangeAsync(tx, "a", "z"), other: tx => tx.Set(B("y"), B("2")));

    [Fact]
    public Task A_range_read_ignores_what_lies_outside() => ExpectAsync(
        StatusCode.Ok, read: tx => RangeAsync(tx, "a", "z"), other: tx => tx.Set(B("z"), B("2")));

    [Fact]
    public Task A_limited_range_read_covers_its_rows() => ExpectAsync(
        StatusCode.TxConflict, read: tx => RangeAsync(tx, "a", "z", limit: 2), other: tx => tx.Set(B("b"), B("2")));

    [Fact]
    public Task A_limited_range_read_ignores_what_it_did_not_reach() => ExpectAsync(
        StatusCode.Ok, read: tx => RangeAsync(tx, "a", "z", limit: 2), other: tx => tx.Set(B("b\0"), B("2")));

    [Fact]
    public Task A_limited_reverse_read_covers_its_end() => ExpectAsync(
        StatusCode.TxConflict, read: tx => RangeAsync(tx, "a", "z", limit: 2, reverse: true), other: tx => tx.Set(B("y"), B("2")));

    [Fact]
    public Task A_limited_reverse_read_ignores_what_it_did_not_reach() => ExpectAsync(
        StatusCode.Ok, read: tx => RangeAsync(tx, "a", "z", limit: 2, reverse: true), other: tx => tx.Set(B("b"), B("2")));

    [Fact]
    public Task Reading_an_own_write_adds_no_conflict() => ExpectAsync(
        StatusCode.Ok,
        read: async tx =>
        {
            await ReadAsync(tx, "x");
            tx.Set(B("b"), B("mine"));
            tx.ClearRange(B("c"), B("d"));
            await ReadAsync(tx, "b");
            await ReadAsync(tx, "c");
        },
        other: tx => tx.ClearRange(B("b"), B("d")));

    [Fact]
    public Task Reading_an_own_atomic_mutation_reads_the_store() => ExpectAsync(
        StatusCode.TxConflict,
        read: async tx =>
        {
            tx.AtomicAdd(B("b"), 1);
            await ReadAsync(tx, "b");
        },
        other: tx => tx.Set(B("b"), B("2")));

    [Fact]
    public Task Blind_writes_do_not_conflict() => ExpectAsync(
        StatusCode.Ok, read: tx => ReadAsync(tx, "x"), other: tx => tx.Set(B("result"), B("theirs")));

    [Fact]
    public async Task Atomic_mutations_do_not_conflict_with_each_other()
    {
        using var one = Engine.BeginTransaction();
        using var two = Engine.BeginTransaction();
        await ReadAsync(one, "x");
        await ReadAsync(two, "x");
        one.AtomicAdd(B("n"), 1);
        two.AtomicAdd(B("n"), 2);
        Assert.Equal(StatusCode.Ok, await CommitOutcomeAsync(one));
        Assert.Equal(StatusCode.Ok, await CommitOutcomeAsync(two));
        using var reader = Engine.BeginReadOnly();
        Assert.Equal(3u, (await reader.GetAsync(B("n"))).Value.ReadCounter());
    }

    [Fact]
    public async Task A_transaction_without_writes_cannot_conflict()
    {
        await PutAsync(("a", "1"));
        using var reader = Engine.BeginTransaction();
        await ReadAsync(reader, "a");
        await PutAsync(("a", "2"));
        AssertOk(await reader.CommitAsync());
        Assert.Equal(KvVersion.None, reader.CommittedVersion);
    }

    [Fact]
    public async Task A_write_conflict_alone_is_checked_and_seen()
    {
        using var checkedOne = Engine.BeginTransaction();
        await ReadAsync(checkedOne, "a");
        checkedOne.AddWriteConflictKey(B("q"));
        using var reader = Engine.BeginTransaction();
        await ReadAsync(reader, "q");
        reader.Set(B("r"), B("1"));
        AssertOk(await checkedOne.CommitAsync());
        Assert.Equal(StatusCode.TxConflict, await CommitOutcomeAsync(reader));
    }

    [Fact]
    public async Task Commits_before_the_snapshot_do_not_conflict()
    {
        await PutAsync(("a", "1"));
        using var transaction = Engine.BeginTransaction();
        await ReadAsync(transaction, "a");
        transaction.Set(B("a"), B("2"));
        AssertOk(await transaction.CommitAsync());
    }

    [Fact]
    public async Task A_conflicting_transaction_changes_nothing()
    {
        using var loser = Engine.BeginTransaction();
        await ReadAsync(loser, "a");
        loser.Set(B("b"), B("lost"));
        loser.ClearRange(B("c"), B("d"));
        await PutAsync(("a", "1"), ("c", "1"));
        Assert.Equal(StatusCode.TxConflict, await CommitOutcomeAsync(loser));
        Assert.Null(await CommittedAsync("b"));
        Assert.Equal("1", await CommittedAsync("c"));
    }

    private async Task ExpectAsync(StatusCode expected, Func<IKvTransaction, Task> read, Action<IKvTransaction> other)
    {
        await PutAsync(("a", "1"), ("b", "1"), ("c", "1"), ("d", "1"));
        using var transaction = Engine.BeginTransaction();
        await read(transaction);
        using (var otherTransaction = Engine.BeginTransaction())
        {
            other(otherTransaction);
            AssertOk(await otherTransaction.CommitAsync(KvDurability.Relaxed));
        }

        transaction.Set(B("result"), B("mine"));
        Assert.Equal(expected, await CommitOutcomeAsync(transaction));
        var result = await CommittedAsync("result");
        if (expected == StatusCode.Ok) Assert.Equal("mine", result);
        else Assert.NotEqual("mine", result);
    }
}
