using ThreeFs.Base;

namespace ThreeFs.Kv.Tests.Contract;

public abstract class RangeContract<TStore> : ContractBase<TStore>
    where TStore : TestStore, new()
{
    [Fact]
    public async Task Bounds_are_inclusive_begin_exclusive_end()
    {
        await PutAsync(("a", "1"), ("b", "2"), ("b\0", "3"), ("c", "4"));
        using var reader = Engine.BeginReadOnly();
        Assert.Equal("a=1 b=2", await RangeAsync(reader, "a", "b\0"));
        Assert.Equal("b=2 b\0=3", await RangeAsync(reader, "b", "c"));
        Assert.Equal("b\0=3 b=2", await RangeAsync(reader, "b", "c", reverse: true));
        Assert.Equal("c=4", await RangeAsync(reader, "b\0\0", "\xFF"));
        Assert.Equal("", await RangeAsync(reader, "b", "b"));
        Assert.Equal("", await RangeAsync(reader, "", "a", reverse: true));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Pages_follow_each_other_without_gap_or_overlap(bool reverse)
    {
        await PutAsync([.. Enumerable.Range(0, 25).Select(i => ($"k{i:d2}", $"{i}"))]);
        using var reader = Engine.BeginReadOnly();
        byte[] begin = B("k"), end = B("l");
        var seen = new List<string>();
        while (true)
        {
            var page = (await reader.GetRangeAsync(begin, end, 4, reverse)).Value;
            Assert.True(page.Rows.Count <= 4);
            seen.AddRange(page.Rows.Select(row => S(row.Key)));
            if (!page.More) break;
            Assert.Equal(4, page.Rows.Count);
            if (reverse) end = page.Continuation;
            else begin = page.Continuation;
        }

        var expected = Enumerable.Range(0, 25).Select(i => $"k{i:d2}");
        Assert.Equal(reverse ? expected.Reverse() : expected, seen);
    }

    [Fact]
    public async Task A_page_without_limit_is_bounded()
    {
        await PutAsync([.. Enumerable.Range(0, KvLimits.DefaultPageRows + 10).Select(i => ($"k{i:d5}", ""))]);
        using var reader = Engine.BeginReadOnly();
        var page = (await reader.GetRangeAsync(B("k"), B("l"))).Value;
        Assert.Equal(KvLimits.DefaultPageRows, page.Rows.Count);
        Assert.True(page.More);
        page = (await reader.GetRangeAsync(page.Continuation, B("l"))).Value;
        Assert.Equal(10, page.Rows.Count);
        Assert.False(page.More);
    }

    [Fact]
    public async Task A_page_ends_when_it_has_many_bytes()
    {
        var value = new byte[KvLimits.MaxValueBytes];
        using var writer = Engine.BeginTransaction();
        for (var i = 0; i < 15; i++) writer.Set(B($"k{i:d2}"), value);
        AssertOk(await writer.CommitAsync(KvDurability.Relaxed));
        using var reader = Engine.BeginReadOnly();
        var page = (await reader.GetRangeAsync(B("k"), B("l"), 1000)).Value;
        Assert.True(page.More);
        Assert.InRange(page.Rows.Count, 9, 11);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Limits_count_rows_after_the_merge_with_own_writes(bool reverse)
    {
        await PutAsync(("a", "1"), ("b", "1"), ("c", "1"), ("d", "1"), ("e", "1"));
        using var transaction = Engine.BeginTransaction();
        transaction.Clear(B("b"));
        transaction.Clear(B("d"));
        transaction.Set(B("c"), B("2"));
        transaction.Set(B("cc"), B("2"));
        Assert.Equal(
            reverse ? "e=1 cc=2 c=2 +" : "a=1 c=2 cc=2 +",
            await RangeAsync(transaction, "a", "z", limit: 3, reverse: reverse));
        Assert.Equal(
            reverse ? "e=1 cc=2 c=2 a=1" : "a=1 c=2 cc=2 e=1",
            await RangeAsync(transaction, "a", "z", limit: 5, reverse: reverse));
    }

    [Fact]
    public async Task Own_atomic_mutations_show_in_ranges()
    {
        await PutAsync(("a", "\x01"), ("b", "\x01"));
        using var transaction = Engine.BeginTransaction();
        transaction.Mutate(KvMutation.Add, B("b"), B("\x02"));
        transaction.Mutate(KvMutation.Add, B("c"), B("\x05"));
        Assert.Equal("a=\x01 b=\x03 c=\x05", await RangeAsync(transaction, "a", "z"));
        Assert.Equal("c=\x05 b=\x03 a=\x01", await RangeAsync(transaction, "a", "z", reverse: true));
    }

    [Fact]
    public async Task Bad_ranges_are_refused()
    {
        using var reader = Engine.BeginReadOnly();
        Assert.Equal(StatusCode.InvalidArgument, (await reader.GetRangeAsync(B("b"), B("a"))).Code);
        Assert.Equal(StatusCode.InvalidArgument, (await reader.GetRangeAsync(B("a"), B("\xFF\x00"))).Code);
        Assert.Equal(StatusCode.InvalidArgument, (await reader.GetRangeAsync(B("a"), B("b"), -1)).Code);
        Assert.True((await reader.GetRangeAsync(B("a"), KvKeys.End)).IsOk);
    }

    [Fact]
    public async Task Clearing_a_range_clears_what_is_there_and_nothing_else()
    {
        await PutAsync([.. Enumerable.Range(0, 2000).Select(i => ($"k{i:d5}", $"{i}"))]);
        using var writer = Engine.BeginTransaction();
        writer.ClearRange(B("k00010"), B("k01990"));
        AssertOk(await writer.CommitAsync(KvDurability.Relaxed));
        using var reader = Engine.BeginReadOnly();
        var page = (await reader.GetRangeAsync(B("k"), B("l"), 100)).Value;
        Assert.Equal(
            Enumerable.Range(0, 10).Concat(Enumerable.Range(1990, 10)).Select(i => $"k{i:d5}"),
            page.Rows.Select(row => S(row.Key)));
    }
}
