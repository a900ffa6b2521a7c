using ThreeFs.Base;

namespace ThreeFs.Kv.Tests.Contract;

public abstract class LimitContract<TStore> : ContractBase<TStore>
    where TStore : TestStore, new()
{
    [Fact]
    public async Task The_largest_key_and_value_are_stored()
    {
        var key = new byte[KvLimits.MaxKeyBytes];
        key.AsSpan().Fill((byte)'k');
        var value = new byte[KvLimits.MaxValueBytes];
        value[^1] = 7;
        using var writer = Engine.BeginTransaction();
        writer.Set(key, value);
        AssertOk(await writer.CommitAsync());
        using var reader = Engine.BeginReadOnly();
        Assert.Equal(value, (await reader.GetAsync(key)).Value.Bytes);
        Assert.Equal(key, (await reader.GetRangeAsync(B("k"), B("l"))).Value.Rows.Single().Key);
        Assert.Equal(key, (await reader.GetRangeAsync(key, KvKeys.After(key), reverse: true)).Value.Rows.Single().Key);
    }

    [Fact]
    public async Task Long_keys_are_ordered_among_all_others()
    {
        // Around the length at which the embedded engine changes how it stores keys.
        string[] keys =
        [
            .. new[] { 509, 510, 511, 512, 600, 1500 }.SelectMany(
                length => new[] { new string('m', length), new string('m', length - 1) + "n" }),
            new string('m', 510) + "\0", new string('m', 510) + "\xFE", new string('m', 509) + "\xFE", "m", "n", "l",
        ];
        var sorted = keys.Distinct().Order(StringComparer.Ordinal).ToArray();
        await PutAsync([.. sorted.Select((key, i) => (key, $"{i}"))]);
        using var reader = Engine.BeginReadOnly();
        foreach (var begin in sorted)
        foreach (var end in sorted.Where(end => string.CompareOrdinal(begin, end) <= 0))
        {
            var expected = sorted.Where(
                key => string.CompareOrdinal(key, begin) >= 0 && string.CompareOrdinal(key, end) < 0).ToArray();
            var forward = (await reader.GetRangeAsync(B(begin), B(end))).Value.Rows.Select(row => S(row.Key));
            var backward = (await reader.GetRangeAsync(B(begin), B(end), reverse: true)).Value.Rows.Select(row => S(row.Key));
            Assert.Equal(expected, forward);
            Assert.Equal(expected.Reverse(), backward);
        }

        using var writer = Engine.BeginTransaction();
        writer.ClearRange(B(sorted[4]), B(sorted[9]));
        writer.Clear(B(sorted[11]));
        AssertOk(await writer.CommitAsync());
        using var after = Engine.BeginReadOnly();
        Assert.Equal(
            sorted.Where((_, i) => i is < 4 or >= 9 and not 11),
            (await after.GetRangeAsync(B("a"), B("z"))).Value.Rows.Select(row => S(row.Key)));
    }

    [Fact]
    public async Task Keys_out_of_bounds_are_refused()
    {
        (byte[] Key, StatusCode Code)[] cases =
        [
            ([], StatusCode.InvalidArgument),
            ([0xFF], StatusCode.InvalidArgument),
            ([0xFF, 1], StatusCode.InvalidArgument),
            (new byte[KvLimits.MaxKeyBytes + 1], StatusCode.TxTooLarge),
        ];
        foreach (var (key, code) in cases)
        {
            using var transaction = Engine.BeginTransaction();
            Assert.Equal(code, (await transaction.GetAsync(key)).Code);
            transaction.Set(B("good"), B("1"));
            transaction.Set(key, B("1"));
            Assert.Equal(code, await CommitOutcomeAsync(transaction));
        }

        Assert.Null(await CommittedAsync("good"));
    }

    [Fact]
    public async Task A_value_out_of_bounds_is_refused()
    {
        using var transaction = Engine.BeginTransaction();
        transaction.Set(B("a"), new byte[KvLimits.MaxValueBytes + 1]);
        transaction.Set(B("b"), B("1"));
        Assert.Equal(StatusCode.TxTooLarge, await CommitOutcomeAsync(transaction));
        Assert.Null(await CommittedAsync("b"));
    }

    [Fact]
    public async Task A_transaction_is_bounded_in_writes()
    {
        var value = new byte[KvLimits.MaxValueBytes];
        using var fits = Engine.BeginTransaction();
        for (var i = 0; i < 99; i++) fits.Set(B($"k{i:d3}"), value);
        AssertOk(await fits.CommitAsync(KvDurability.Relaxed));
        using var larger = Engine.BeginTransaction();
        for (var i = 0; i < 101; i++) larger.Set(B($"l{i:d3}"), value);
        Assert.Equal(StatusCode.TxTooLarge, await CommitOutcomeAsync(larger));
        Assert.Null(await CommittedAsync("l000"));
    }

    [Fact]
    public async Task A_transaction_is_bounded_in_conflict_ranges()
    {
        using var transaction = Engine.BeginTransaction();
        var key = new byte[KvLimits.MaxKeyBytes];
        for (var i = 0; i < 600; i++)
        {
            System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(key, i);
            transaction.AddReadConflictKey(key);
        }

        transaction.Set(B("a"), B("1"));
        Assert.Equal(StatusCode.TxTooLarge, await CommitOutcomeAsync(transaction));
    }

    [Fact]
    public async Task Conflicts_are_found_however_many_commits_lie_between()
    {
        using var reader = Engine.BeginTransaction();
        await ReadAsync(reader, "watched");
        reader.Set(B("r"), B("1"));
        using var clean = Engine.BeginTransaction();
        await ReadAsync(clean, "other");
        clean.Set(B("c"), B("1"));
        await PutAsync(("watched", "1"));
        for (var i = 0; i < 300; i++)
        {
            await PutAsync(($"k{i}", "1"));
            Store.Advance(TimeSpan.FromMilliseconds(10));
        }

        Assert.Equal(StatusCode.TxConflict, await CommitOutcomeAsync(reader));
        Assert.Equal(StatusCode.Ok, await CommitOutcomeAsync(clean));
    }
}
