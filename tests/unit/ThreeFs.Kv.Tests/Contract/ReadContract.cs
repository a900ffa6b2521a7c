using ThreeFs.Base;

namespace ThreeFs.Kv.Tests.Contract;

public abstract class ReadContract<TStore> : ContractBase<TStore>
    where TStore : TestStore, new()
{
    [Fact]
    public async Task A_missing_key_is_missing_and_an_empty_value_is_not()
    {
        await PutAsync(("empty", ""));
        Assert.Null(await CommittedAsync("absent"));
        Assert.Equal("", await CommittedAsync("empty"));
    }

    [Fact]
    public async Task A_transaction_reads_the_snapshot_of_its_first_read()
    {
        await PutAsync(("a", "old"), ("b", "old"));
        using var reader = Engine.BeginTransaction();
        Assert.Equal("old", await ReadAsync(reader, "a"));
        await PutAsync(("a", "new"), ("b", "new"), ("c", "new"));
        Assert.Equal("old", await ReadAsync(reader, "b"));
        Assert.Equal("old", await ReadAsync(reader, "b", snapshot: true));
        Assert.Null(await ReadAsync(reader, "c"));
        Assert.Equal("a=old b=old", await RangeAsync(reader, "a", "z"));
    }

    [Fact]
    public async Task A_transaction_begun_after_a_commit_sees_it()
    {
        using var early = Engine.BeginTransaction();
        await PutAsync(("a", "1"));
        Assert.Equal("1", await ReadAsync(early, "a"));
    }

    [Fact]
    public async Task Read_versions_and_commit_versions_are_one_order()
    {
        using var before = Engine.BeginReadOnly();
        var first = (await before.GetReadVersionAsync()).Value;
        using var writer = Engine.BeginTransaction();
        writer.Set(B("a"), B("1"));
        Assert.Equal(KvVersion.None, writer.CommittedVersion);
        AssertOk(await writer.CommitAsync());
        using var after = Engine.BeginReadOnly();
        var second = (await after.GetReadVersionAsync()).Value;
        Assert.True(first < writer.CommittedVersion);
        Assert.True(writer.CommittedVersion <= second);
        Assert.Equal(first, (await before.GetReadVersionAsync()).Value);
    }

    [Fact]
    public async Task Own_writes_are_read_back()
    {
        await PutAsync(("a", "1"), ("b", "1"), ("c", "1"), ("d", "1"));
        using var transaction = Engine.BeginTransaction();
        transaction.Set(B("a"), B("2"));
        transaction.Clear(B("b"));
        transaction.ClearRange(B("c"), B("d"));
        transaction.Set(B("e"), B("2"));
        Assert.Equal("2", await ReadAsync(transaction, "a"));
        Assert.Equal("2", await ReadAsync(transaction, "a", snapshot: true));
        Assert.Null(await ReadAsync(transaction, "b"));
        Assert.Null(await ReadAsync(transaction, "c"));
        Assert.Equal("a=2 d=1 e=2", await RangeAsync(transaction, "", "z"));
        Assert.Equal("e=2 d=1 a=2", await RangeAsync(transaction, "", "z", reverse: true));
        Assert.Equal("1", await CommittedAsync("a"));
    }

    [Fact]
    public async Task Later_writes_replace_earlier_ones()
    {
        using var transaction = Engine.BeginTransaction();
        transaction.Set(B("a"), B("1"));
        transaction.ClearRange(B("a"), B("b"));
        Assert.Null(await ReadAsync(transaction, "a"));
        transaction.Set(B("a"), B("2"));
        transaction.Clear(B("a"));
        transaction.Set(B("a"), B("3"));
        Assert.Equal("3", await ReadAsync(transaction, "a"));
        AssertOk(await transaction.CommitAsync());
        Assert.Equal("3", await CommittedAsync("a"));
    }

    [Fact]
    public async Task The_callers_buffers_may_be_reused_at_once()
    {
        var key = B("a");
        var value = B("1");
        using var transaction = Engine.BeginTransaction();
        transaction.Set(key, value);
        key[0] = (byte)'x';
        value[0] = (byte)'x';
        Assert.Equal("1", await ReadAsync(transaction, "a"));
        (await transaction.GetAsync(B("a"))).Value.Bytes![0] = (byte)'y';
        AssertOk(await transaction.CommitAsync());
        Assert.Equal("1", await CommittedAsync("a"));
        Assert.Null(await CommittedAsync("x"));
        using var reader = Engine.BeginReadOnly();
        (await reader.GetAsync(B("a"))).Value.Bytes![0] = (byte)'z';
        Assert.Equal("1", await ReadAsync(reader, "a"));
    }

    [Fact]
    public async Task A_transaction_that_is_over_answers_Cancelled()
    {
        using var cancelled = Engine.BeginTransaction();
        cancelled.Set(B("a"), B("1"));
        cancelled.Cancel();
        Assert.Equal(StatusCode.Cancelled, (await cancelled.GetAsync(B("a"))).Code);
        Assert.Equal(StatusCode.Cancelled, (await cancelled.GetRangeAsync(B("a"), B("b"))).Code);
        Assert.Equal(StatusCode.Cancelled, (await cancelled.GetReadVersionAsync()).Code);
        Assert.Equal(StatusCode.Cancelled, await CommitOutcomeAsync(cancelled));
        Assert.Null(await CommittedAsync("a"));

        using var twice = Engine.BeginTransaction();
        twice.Set(B("b"), B("1"));
        AssertOk(await twice.CommitAsync());
        Assert.Equal(StatusCode.Cancelled, await CommitOutcomeAsync(twice));
    }

    [Fact]
    public async Task A_cancelled_token_stops_before_anything_happens()
    {
        using var transaction = Engine.BeginTransaction();
        transaction.Set(B("a"), B("1"));
        var gone = new CancellationToken(canceled: true);
        Assert.Equal(StatusCode.Cancelled, (await transaction.GetAsync(B("b"), ct: gone)).Code);
        Assert.Equal(StatusCode.Cancelled, (await transaction.CommitAsync(KvDurability.Relaxed, gone)).Code);
        Assert.Null(await CommittedAsync("a"));
    }

    [Fact]
    public async Task Flush_answers_Ok()
    {
        await PutAsync(("a", "1"));
        AssertOk(await Engine.FlushAsync());
        Assert.Equal("1", await CommittedAsync("a"));
    }
}
