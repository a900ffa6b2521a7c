using ThreeFs.Kv.FoundationDb.Binding;
using ThreeFs.Kv.FoundationDb.Native;

namespace ThreeFs.Kv.FoundationDb.StackTester;

/// <summary>What instructions cannot express: options, watches, cancellation, retry limits, timeouts.</summary>
internal static class UnitTests
{
    private static readonly byte[] _key = Machine.B("stack-tester-unit-test");

    public static async Task RunAsync(Shared shared)
    {
        await OptionsAsync(shared);
        await WatchAsync(shared);
        await CancellationAsync(shared);
        await RetryLimitAsync(shared);
        await TimeoutAsync(shared);
    }

    private static async Task OptionsAsync(Shared shared)
    {
        using var transaction = shared.Database.BeginTransaction();
        foreach (var option in new[]
        {
            FdbTransactionOption.PrioritySystemImmediate, FdbTransactionOption.PriorityBatch,
            FdbTransactionOption.CausalReadRisky, FdbTransactionOption.CausalWriteRisky,
            FdbTransactionOption.ReadSystemKeys, FdbTransactionOption.AccessSystemKeys,
            FdbTransactionOption.LockAware, FdbTransactionOption.ReadLockAware,
        })
        {
            FdbAnswers.Check(transaction.SetOption(option));
        }

        FdbAnswers.Check(transaction.SetOption(FdbTransactionOption.Timeout, 60_000));
        FdbAnswers.Check(transaction.SetOption(FdbTransactionOption.RetryLimit, 50));
        FdbAnswers.Check(transaction.SetOption(FdbTransactionOption.MaxRetryDelay, 100));
        FdbAnswers.Check(transaction.SetOption(FdbTransactionOption.DebugTransactionIdentifier, "unit-test"));
        await transaction.GetAsync(_key).ValueAsync();
    }

    private static async Task WatchAsync(Shared shared)
    {
        var watch = await shared.RunAsync(transaction => Task.FromResult(transaction.WatchAsync(_key)));
        await shared.RunAsync(transaction =>
        {
            transaction.Set(_key, Guid.NewGuid().ToByteArray());
            return Task.FromResult(true);
        });
        await watch.CheckAsync();
    }

    private static async Task CancellationAsync(Shared shared)
    {
        using var transaction = shared.Database.BeginTransaction();
        transaction.Cancel();
        Expect(FdbError.TransactionCancelled, (await transaction.GetAsync(_key)).Error);
        transaction.Reset();
        await transaction.GetAsync(_key).ValueAsync();
    }

    private static async Task RetryLimitAsync(Shared shared)
    {
        using var transaction = shared.Database.BeginTransaction();
        FdbAnswers.Check(transaction.SetOption(FdbTransactionOption.RetryLimit, 1));
        Expect(FdbError.Success, await transaction.OnErrorAsync(FdbError.NotCommitted));
        Expect(FdbError.NotCommitted, await transaction.OnErrorAsync(FdbError.NotCommitted));
    }

    private static async Task TimeoutAsync(Shared shared)
    {
        using var transaction = shared.Database.BeginTransaction();
        FdbAnswers.Check(transaction.SetOption(FdbTransactionOption.Timeout, 10));
        FdbError error;
        while ((error = (await transaction.GetReadVersionAsync()).Error) is FdbError.Success) await Task.Yield();
        Expect(FdbError.TransactionTimedOut, error);
    }

    private static void Expect(FdbError expected, FdbError actual)
    {
        if (expected != actual) throw new InvalidOperationException($"expected {expected}, got {actual}");
    }
}
