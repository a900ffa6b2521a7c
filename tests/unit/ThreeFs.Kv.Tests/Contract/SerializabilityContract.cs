using ThreeFs.Base;

namespace ThreeFs.Kv.Tests.Contract;

/// <summary>
/// Random transactions, interleaved on one thread (exactly repeatable for the in-memory engine) and on several. The
/// workload records what every transaction read and wrote; <see cref="SerializabilityChecker"/> judges the record
/// afterwards.
/// </summary>
public abstract class SerializabilityContract<TStore> : ContractBase<TStore>
    where TStore : TestStore, new()
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Interleaved_transactions_are_serializable(ulong seed)
    {
        var random = new SeededRandom(seed);
        var history = new List<RecordedTransaction>();
        var open = new List<RecordedTransaction>();
        for (var step = 0; step < 6000; step++)
        {
            if (open.Count < 6) open.Add(new RecordedTransaction(Engine.BeginTransaction()));
            var transaction = open[random.Next(open.Count)];
            if (random.NextBool(0.85))
            {
                await transaction.StepAsync(random);
                continue;
            }

            await transaction.CommitAsync(random);
            open.Remove(transaction);
            history.Add(transaction);
        }

        foreach (var left in open) left.Dispose();
        await CheckAsync(history, $"seed {seed}");
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    public async Task Concurrent_transactions_are_serializable(ulong seed)
    {
        // Everybody is inside a transaction before anybody commits one: the overlap does not depend on the scheduler.
        const int Workers = 6;
        using var together = new Barrier(Workers);
        var histories = await Task.WhenAll(Enumerable.Range(0, Workers).Select(worker => Task.Factory.StartNew(
            () => Work(new SeededRandom(seed * 100 + (ulong)worker), together),
            TaskCreationOptions.LongRunning)));
        await CheckAsync([.. histories.SelectMany(history => history)], $"seed {seed}");
    }

    private List<RecordedTransaction> Work(SeededRandom random, Barrier together)
    {
        var history = new List<RecordedTransaction>();
        for (var i = 0; i < 150; i++)
        {
            var transaction = new RecordedTransaction(Engine.BeginTransaction());
            var steps = random.Next(2, 12);
            for (var step = 0; step < steps; step++)
            {
                transaction.StepAsync(random).GetAwaiter().GetResult();
                if (step == 0) Assert.True(together.SignalAndWait(TimeSpan.FromMinutes(1)), "another worker failed");
            }

            transaction.CommitAsync(random).GetAwaiter().GetResult();
            history.Add(transaction);
        }

        return history;
    }

    private async Task CheckAsync(List<RecordedTransaction> history, string label)
    {
        var outcomes = history.Where(tx => tx.Wrote).CountBy(tx => tx.Outcome).ToDictionary();
        Assert.True(outcomes.GetValueOrDefault(StatusCode.Ok) > 50, $"{label}: too few commits to mean anything");
        Assert.True(
            outcomes.GetValueOrDefault(StatusCode.TxConflict) > 20,
            $"{label}: too few conflicts to mean anything");
        Assert.Equal(history.Count(tx => tx.Wrote), outcomes[StatusCode.Ok] + outcomes[StatusCode.TxConflict]);

        var checker = new SerializabilityChecker(history);
        Assert.True(checker.Failure is null, $"{label}: {checker.Failure}");
        using var reader = Engine.BeginReadOnly();
        var stored = new List<string>();
        for (byte[] begin = []; ;)
        {
            var page = (await reader.GetRangeAsync(begin, KvKeys.End)).Value;
            stored.AddRange(page.Rows.Select(row => $"{S(row.Key)}={S(row.Value)}"));
            if (!page.More) break;
            begin = page.Continuation;
        }

        Assert.Equal(checker.Final.Select(row => $"{row.Key}={row.Value}"), stored);
    }
}
