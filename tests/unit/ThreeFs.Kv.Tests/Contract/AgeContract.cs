using ThreeFs.Base;

namespace ThreeFs.Kv.Tests.Contract;

/// <summary>How old a transaction may get, to the millisecond: for engines whose clock the test moves.</summary>
public abstract class AgeContract<TStore> : ContractBase<TStore>
    where TStore : TestStore, new()
{
    [Fact]
    public async Task An_old_transaction_is_too_old()
    {
        await PutAsync(("a", "1"));
        using var transaction = Engine.BeginTransaction();
        Assert.Equal("1", await ReadAsync(transaction, "a"));
        transaction.Set(B("b"), B("1"));
        Store.Advance(KvLimits.MaxAge - TimeSpan.FromMilliseconds(1));
        Assert.Equal("1", await ReadAsync(transaction, "a"));
        Store.Advance(TimeSpan.FromMilliseconds(2));
        Assert.Equal(StatusCode.TxTooOld, (await transaction.GetAsync(B("a"))).Code);
        Assert.Equal(StatusCode.TxTooOld, (await transaction.GetRangeAsync(B("a"), B("b"))).Code);
        Assert.Equal(StatusCode.TxTooOld, await CommitOutcomeAsync(transaction));
        Assert.Null(await CommittedAsync("b"));
    }

    [Fact]
    public async Task Age_counts_from_the_first_read()
    {
        using var transaction = Engine.BeginTransaction();
        transaction.Set(B("a"), B("1"));
        Store.Advance(TimeSpan.FromHours(1));
        Assert.Null(await ReadAsync(transaction, "b"));
        AssertOk(await transaction.CommitAsync());
    }
}
