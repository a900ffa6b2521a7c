namespace ThreeFs.Kv.Tests.Contract;

/// <summary>
/// What a transaction would conflict on can be seen: a promise of the engines that track it
/// themselves.
/// </summary>
public abstract class ConflictSetContract<TStore> : ContractBase<TStore>
    where TStore : TestStore, new()
{
    [Fact]
    public async Task Conflict_sets_can_be_inspected()
    {
        using var transaction = Engine.BeginTransaction();
        await ReadAsync(transaction, "a");
        await ReadAsync(transaction, "s", snapshot: true);
        await RangeAsync(transaction, "d", "f");
        transaction.Set(B("w"), B("1"));
        transaction.ClearRange(B("m"), B("n"));
        transaction.AddWriteConflictKey(B("x"));
        var sets = Assert.IsAssignableFrom<IKvConflictSets>(transaction);
        Assert.Equal([KvKeyRange.Of(B("a")), new(B("d"), B("f"))], sets.ReadConflicts);
        Assert.Equal([new(B("m"), B("n")), KvKeyRange.Of(B("w")), KvKeyRange.Of(B("x"))], sets.WriteConflicts);
    }
}
