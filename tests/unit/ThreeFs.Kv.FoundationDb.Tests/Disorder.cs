using System.Text;
using ThreeFs.Base;
using ThreeFs.Kv.FoundationDb.Binding;
using ThreeFs.Kv.FoundationDb.Native;

namespace ThreeFs.Kv.FoundationDb.Tests;

/// <summary>
/// Random calls of transactions that are cancelled, reset and disposed of at random, while calls are under
/// way.
/// </summary>
internal static class Disorder
{
    public static async Task RunAsync(FdbDatabase database, SeededRandom random, int transactions)
    {
        for (var i = 0; i < transactions; i++)
        {
            using var given = new CancellationTokenSource();
            var transaction = database.BeginTransaction();
            List<Task> calls = [];
            var steps = random.Next(1, 8);
            for (var step = 0; step < steps; step++)
                if (Step(transaction, random, given.Token) is { } call) calls.Add(call);
            if (random.NextBool(0.3)) calls.Add(Task.Run(given.Cancel));
            if (random.NextBool(0.3)) await Task.Yield();
            if (random.NextBool(0.2)) await transaction.GetApproximateSizeAsync();
            transaction.Dispose();
            await given.CancelAsync();
            await Task.WhenAll(calls);
        }
    }

    private static Task? Step(FdbTransaction transaction, SeededRandom random, CancellationToken ct)
    {
        var key = Encoding.ASCII.GetBytes($"k{random.Next(20)}");
        switch (random.Next(9))
        {
            case 0:
                return transaction.GetAsync(key, ct: ct).AsTask();
            case 1:
                return transaction.GetReadVersionAsync(ct).AsTask();
            case 2:
                return transaction.GetRangeAsync(
                    KeySelector.FirstGreaterOrEqual("k"u8), KeySelector.FirstGreaterOrEqual("l"u8), new(), ct).AsTask();
            case 3:
                transaction.Set(key, new byte[random.Next(100)]);
                return null;
            case 4:
                return transaction.WatchAsync(key, ct).AsTask();
            case 5:
                return transaction.GetVersionstampAsync().AsTask();
            case 6:
                return transaction.CommitAsync().AsTask();
            case 7:
                return transaction.OnErrorAsync(FdbError.NotCommitted).AsTask();
            default:
                transaction.Reset();
                return null;
        }
    }
}
