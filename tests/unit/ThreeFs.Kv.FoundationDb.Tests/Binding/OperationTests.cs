using System.Buffers.Binary;
using ThreeFs.Kv.FoundationDb.Binding;
using ThreeFs.Kv.FoundationDb.Native;

namespace ThreeFs.Kv.FoundationDb.Tests.Binding;

/// <summary>Each operation of the binding reaches the library with its arguments, and the answer comes back.</summary>
public sealed class OperationTests : BindingTestBase
{
    [Theory]
    [InlineData("lt", "b", "a")]
    [InlineData("le", "b", "b")]
    [InlineData("gt", "b", "c")]
    [InlineData("ge", "b", "b")]
    [InlineData("ge", "bb", "c")]
    [InlineData("lt", "a", "")]
    [InlineData("gt", "d", "\xFF")]
    public async Task Selectors_lead_to_keys(string kind, string key, string expected)
    {
        await PutAsync(("a", "1"), ("b", "2"), ("c", "3"), ("d", "4"));
        using var transaction = Database.BeginTransaction();
        Assert.Equal(expected, S((await transaction.GetKeyAsync(Select(kind, key))).Value));

        static KeySelector Select(string kind, string key) => kind switch
        {
            "lt" => KeySelector.LastLessThan(B(key)),
            "le" => KeySelector.LastLessOrEqual(B(key)),
            "gt" => KeySelector.FirstGreaterThan(B(key)),
            _ => KeySelector.FirstGreaterOrEqual(B(key)),
        };
    }

    [Fact]
    public async Task Offsets_go_further()
    {
        await PutAsync(("a", "1"), ("b", "2"), ("c", "3"), ("d", "4"));
        using var transaction = Database.BeginTransaction();
        Assert.Equal("c", S((await transaction.GetKeyAsync(new(B("a"), true, 2))).Value));
        Assert.Equal("b", S((await transaction.GetKeyAsync(new(B("d"), false, -1))).Value));
    }

    [Theory]
    [InlineData((int)FdbStreamingMode.Small, 10)]
    [InlineData((int)FdbStreamingMode.Medium, 39)]
    [InlineData((int)FdbStreamingMode.Large, 158)]
    [InlineData((int)FdbStreamingMode.WantAll, 1000)]
    [InlineData((int)FdbStreamingMode.Serial, 1000)]
    [InlineData((int)FdbStreamingMode.Iterator, 158)]
    public async Task Streaming_modes_bound_the_page(int mode, int rows)
    {
        await PutAsync([.. Enumerable.Range(0, 1000).Select(i => ($"key{i:d3}", new string('v', 20)))]);
        using var transaction = Database.BeginTransaction();
        var page = await RangeAsync(transaction, "key", new() { Mode = (FdbStreamingMode)mode });
        Assert.Equal(rows, page.Rows.Length);
        Assert.Equal(rows < 1000, page.More);
    }

    [Fact]
    public async Task Pages_of_an_iteration_grow_and_end()
    {
        await PutAsync([.. Enumerable.Range(0, 1000).Select(i => ($"key{i:d3}", new string('v', 20)))]);
        using var transaction = Database.BeginTransaction();
        var seen = new List<string?>();
        var sizes = new List<int>();
        var after = B("key");
        for (var iteration = 1; ; iteration++)
        {
            var answer = await transaction.GetRangeAsync(
                KeySelector.FirstGreaterThan(after),
                KeySelector.FirstGreaterOrEqual(B("kez")),
                new() { Mode = FdbStreamingMode.Iterator, Iteration = iteration });
            var page = answer.Value;
            seen.AddRange(page.Rows.Select(row => S(row.Key)));
            sizes.Add(page.Rows.Length);
            if (!page.More) break;
            after = page.Rows[^1].Key;
        }

        Assert.Equal(Enumerable.Range(0, 1000).Select(i => $"key{i:d3}"), seen);
        Assert.Equal([158, 237, 355, 250], sizes);
    }

    [Fact]
    public async Task An_exact_range_needs_a_limit_and_keeps_it()
    {
        await PutAsync(("a", "1"), ("b", "2"), ("c", "3"));
        using var transaction = Database.BeginTransaction();
        var exact = new RangeRequest { Mode = FdbStreamingMode.Exact };
        var answer = await transaction.GetRangeAsync(
            KeySelector.FirstGreaterOrEqual(B("a")), KeySelector.FirstGreaterOrEqual(B("z")), exact);
        Assert.Equal(FdbError.ExactModeWithoutLimits, answer.Error);
        Assert.Equal(2, (await RangeAsync(transaction, "a", exact with { Limit = 2 })).Rows.Length);
        var last = await RangeAsync(transaction, "a", exact with { Limit = 1, Reverse = true });
        Assert.Equal("c", S(last.Rows[0].Key));
        Assert.True(last.More);
        Assert.Equal(2, (await RangeAsync(transaction, "a", exact with { TargetBytes = 3 })).Rows.Length);
    }

    [Theory]
    [InlineData((int)FdbMutation.Add, "\x05", "\x03", "\x08")]
    [InlineData((int)FdbMutation.BitAnd, "\x05", "\x03", "\x01")]
    [InlineData((int)FdbMutation.BitOr, "\x05", "\x03", "\x07")]
    [InlineData((int)FdbMutation.BitXor, "\x05", "\x03", "\x06")]
    [InlineData((int)FdbMutation.AppendIfFits, "ab", "c", "abc")]
    [InlineData((int)FdbMutation.Max, "\x05", "\x03", "\x05")]
    [InlineData((int)FdbMutation.Min, "\x05", "\x03", "\x03")]
    [InlineData((int)FdbMutation.Min, null, "\x03", "\x03")]
    [InlineData((int)FdbMutation.ByteMin, "b", "aa", "aa")]
    [InlineData((int)FdbMutation.ByteMax, "b", "aa", "b")]
    [InlineData((int)FdbMutation.CompareAndClear, "x", "x", null)]
    [InlineData((int)FdbMutation.CompareAndClear, "x", "y", "x")]
    public async Task Mutations_change_values(int mutation, string? before, string operand, string? after)
    {
        if (before is not null) await PutAsync(("k", before));
        using var transaction = Database.BeginTransaction();
        transaction.Mutate((FdbMutation)mutation, B("k"), B(operand));
        Assert.Equal(FdbError.Success, await transaction.CommitAsync());
        Assert.Equal(after, await CommittedAsync("k"));
    }

    [Fact]
    public async Task The_stamp_and_the_version_of_a_commit_are_told()
    {
        using var transaction = Database.BeginTransaction();
        byte[] value = [.. "..........!"u8, 0, 0, 0, 0];
        transaction.Mutate(FdbMutation.SetVersionstampedValue, B("k"), value);
        var stamp = transaction.GetVersionstampAsync();
        Assert.Equal(FdbError.Success, await transaction.CommitAsync());
        var told = (await stamp).Value;
        Assert.Equal(Versionstamp.Size, told.Length);
        Assert.Equal(transaction.CommittedVersion.Value, BinaryPrimitives.ReadInt64BigEndian(told));
        Assert.Equal(S(told) + "!", await CommittedAsync("k"));

        using var reader = Database.BeginTransaction();
        var none = reader.GetVersionstampAsync();
        Assert.Equal(FdbError.Success, await reader.CommitAsync());
        Assert.Equal(FdbError.NoCommitVersion, (await none).Error);
        Assert.Equal(-1, reader.CommittedVersion.Value);
    }

    [Fact]
    public async Task Conflict_ranges_of_both_kinds_are_added()
    {
        using var reader = Database.BeginTransaction();
        await reader.GetReadVersionAsync();
        Assert.Equal(FdbError.Success, reader.AddConflictRange(B("a"), B("b"), FdbConflictRange.Read));
        reader.Set(B("x"), B("1"));
        using var writer = Database.BeginTransaction();
        Assert.Equal(FdbError.Success, writer.AddConflictRange(B("a"), B("b"), FdbConflictRange.Write));
        Assert.Equal(FdbError.InvertedRange, writer.AddConflictRange(B("b"), B("a"), FdbConflictRange.Write));
        Assert.Equal(FdbError.Success, await writer.CommitAsync());
        Assert.Equal(FdbError.NotCommitted, await reader.CommitAsync());
    }

    [Fact]
    public async Task A_watch_fires_when_the_value_changes_and_outlives_its_transaction()
    {
        await PutAsync(("k", "1"));
        ValueTask<FdbError> watch;
        using (var transaction = Database.BeginTransaction())
        {
            watch = transaction.WatchAsync(B("k"));
            Assert.Equal(FdbError.Success, await transaction.CommitAsync());
        }

        await PutAsync(("other", "1"), ("k", "1"));
        Assert.False(watch.IsCompleted);
        await PutAsync(("k", "2"));
        Assert.Equal(FdbError.Success, await watch);
    }

    [Fact]
    public async Task A_watch_can_be_given_up()
    {
        using var given = new CancellationTokenSource();
        using var transaction = Database.BeginTransaction();
        var watch = transaction.WatchAsync(B("k"), given.Token);
        Assert.Equal(FdbError.Success, await transaction.CommitAsync());
        await given.CancelAsync();
        Assert.Equal(FdbError.OperationCancelled, await watch);
    }

    [Fact]
    public async Task Sizes_are_told()
    {
        await PutAsync([.. Enumerable.Range(0, 100).Select(i => ($"key{i:d3}", new string('v', 94)))]);
        using var transaction = Database.BeginTransaction();
        Assert.Equal(10_000, (await transaction.GetEstimatedRangeSizeAsync(B("k"), B("l"))).Value);
        var points = (await transaction.GetRangeSplitPointsAsync(B("k"), B("l"), 2500)).Value;
        Assert.Equal(["k", "key025", "key050", "key075", "l"], points.Select(S));
        Assert.Equal(0, (await transaction.GetApproximateSizeAsync()).Value);
        transaction.Set(B("a"), B("1"));
        Assert.InRange((await transaction.GetApproximateSizeAsync()).Value, 2, 200);
    }

    [Fact]
    public async Task OnError_makes_the_transaction_new_or_answers_the_error()
    {
        using var transaction = Database.BeginTransaction();
        transaction.Set(B("k"), B("1"));
        Assert.Equal(FdbError.Success, await transaction.OnErrorAsync(FdbError.NotCommitted));
        Assert.Equal(FdbError.Success, await transaction.CommitAsync());
        Assert.Null(await CommittedAsync("k"));
        Assert.Equal(FdbError.TransactionTooLarge, await transaction.OnErrorAsync(FdbError.TransactionTooLarge));

        using var limited = Database.BeginTransaction();
        limited.SetOption(FdbTransactionOption.RetryLimit, 1);
        Assert.Equal(FdbError.Success, await limited.OnErrorAsync(FdbError.TransactionTooOld));
        Assert.Equal(FdbError.TransactionTooOld, await limited.OnErrorAsync(FdbError.TransactionTooOld));
    }

    [Fact]
    public async Task The_server_and_the_network_tell_about_themselves()
    {
        Assert.Equal(0x0FDB00B073000000u, (await Database.GetServerProtocolAsync()).Value);
        Assert.InRange(Database.NetworkBusyness, 0, 1);
        Assert.StartsWith("7.3.0", FdbKvEngine.ClientVersion, StringComparison.Ordinal);
    }

    private static async Task<FdbRows> RangeAsync(FdbTransaction transaction, string begin, RangeRequest request)
    {
        var answer = await transaction.GetRangeAsync(
            KeySelector.FirstGreaterOrEqual(B(begin)), KeySelector.FirstGreaterOrEqual(B("z")), request);
        Assert.Equal(FdbError.Success, answer.Error);
        return answer.Value;
    }
}
