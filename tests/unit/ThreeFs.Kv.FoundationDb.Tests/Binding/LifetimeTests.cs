using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.FdbStandIn;
using ThreeFs.Kv.FoundationDb.Binding;
using ThreeFs.Kv.FoundationDb.Native;

namespace ThreeFs.Kv.FoundationDb.Tests.Binding;

/// <summary>
/// Whatever is cancelled or disposed of, in whatever order: every future ends, is destroyed once, and nothing destroyed
/// is used again. The stand-in counts both; the base class asks it after every test.
/// </summary>
public sealed class LifetimeTests : BindingTestBase
{
    [Fact]
    public async Task A_disposed_transaction_ends_its_reads()
    {
        StandIn.SetReachable(false);
        var transaction = Database.BeginTransaction();
        var get = transaction.GetAsync(B("k"));
        var range = transaction.GetRangeAsync(
            KeySelector.FirstGreaterOrEqual(B("a")), KeySelector.FirstGreaterOrEqual(B("b")), new());
        transaction.Dispose();
        transaction.Dispose();
        Assert.Equal(FdbError.TransactionCancelled, (await get).Error);
        Assert.Equal(FdbError.TransactionCancelled, (await range).Error);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await transaction.GetAsync(B("k")));
    }

    [Fact]
    public async Task A_database_may_go_before_its_transactions()
    {
        var database = FdbDatabase.Open(Cluster.ClusterFile).Value;
        using var transaction = database.BeginTransaction();
        var databases = StandIn.Databases;
        database.Dispose();
        Assert.Equal(databases, StandIn.Databases);
        transaction.Set(B("k"), B("1"));
        Assert.Equal(FdbError.Success, await transaction.CommitAsync());
        transaction.Dispose();
        Assert.Equal(databases - 1, StandIn.Databases);
    }

    [Fact]
    public async Task A_token_ends_a_read_and_only_that()
    {
        await PutAsync(("k", "1"));
        StandIn.SetReachable(false);
        using var given = new CancellationTokenSource();
        using var transaction = Database.BeginTransaction();
        var first = transaction.GetAsync(B("k"), ct: given.Token);
        var second = transaction.GetAsync(B("k"));
        await given.CancelAsync();
        Assert.Equal(FdbError.OperationCancelled, (await first).Error);
        StandIn.SetReachable(true);
        Assert.Equal("1", S((await second).Value));
        Assert.Equal(FdbError.OperationCancelled, (await CancelledAsync(transaction, given.Token)).Error);
    }

    [Fact]
    public async Task Answers_are_whole_however_late_they_are_looked_at()
    {
        await PutAsync(("k", new string('v', 50_000)));
        using var transaction = Database.BeginTransaction();
        var get = transaction.GetAsync(B("k"));
        await PutAsync(("k", "other"));
        transaction.Cancel();
        var answer = await get;
        if (answer.IsOk) Assert.Equal(new string('v', 50_000), S(answer.Value));
        else Assert.Equal(FdbError.TransactionCancelled, answer.Error);
    }

    [Fact]
    public void A_future_that_nobody_awaits_is_destroyed_by_the_collector()
    {
        StandIn.SetDelays(seed: 3, maxMicros: 0, readyPercent: 0);
        var before = StandIn.Futures;
        Forget();
        Assert.True(
            SpinWait.SpinUntil(
                () =>
                {
                    GC.Collect();
                    GC.WaitForPendingFinalizers();
                    return StandIn.Futures == before;
                },
                TimeSpan.FromSeconds(30)),
            "the future is still there");

        [MethodImpl(MethodImplOptions.NoInlining)]
        void Forget()
        {
            using var transaction = Database.BeginTransaction();
            for (var i = 0; i < 100; i++) _ = transaction.GetAsync(B("k"));
        }
    }

    [Fact]
    public async Task What_follows_an_await_does_not_run_on_the_networks_thread()
    {
        StandIn.SetDelays(seed: 4, maxMicros: 100, readyPercent: 0);
        using var transaction = Database.BeginTransaction();
        for (var i = 0; i < 100; i++)
        {
            await transaction.GetAsync(B("k"));
            Assert.NotEqual("fdb-network", Thread.CurrentThread.Name);
        }
    }

    [Fact]
    public void What_follows_an_await_runs_where_it_was_captured()
    {
        StandIn.SetDelays(seed: 5, maxMicros: 100, readyPercent: 0);
        using var context = new OneThread();
        var threads = context.Run(async () =>
        {
            using var transaction = Database.BeginTransaction();
            var seen = new HashSet<int>();
            for (var i = 0; i < 20; i++)
            {
                await transaction.GetAsync(B("k"));
                seen.Add(Environment.CurrentManagedThreadId);
            }

            return seen;
        });
        Assert.Equal([context.ThreadId], threads);
    }

    [Fact]
    public async Task A_wait_allocates_nothing_in_steady_state()
    {
        StandIn.SetDelays(seed: 6, maxMicros: 0, readyPercent: 0);
        using var transaction = Database.BeginTransaction();
        var allocated = await AllocatedAsync(transaction, 2000);
        allocated = await AllocatedAsync(transaction, 2000);

        // The continuation's box is the compiler's; the binding itself adds nothing to it.
        Assert.InRange(allocated / 2000, 0, 64);

        static async Task<long> AllocatedAsync(FdbTransaction transaction, int times)
        {
            var before = GC.GetTotalAllocatedBytes(precise: true);
            for (var i = 0; i < times; i++) Assert.True((await transaction.GetReadVersionAsync()).IsOk);
            return GC.GetTotalAllocatedBytes(precise: true) - before;
        }
    }

    /// <summary>Random calls, cancelled and disposed of at random, from several threads, with failures.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Any_order_of_cancellation_and_disposal_leaves_nothing(ulong seed)
    {
        StandIn.SetDelays(seed, maxMicros: 200, readyPercent: 10);
        StandIn.SetRates(conflictPercent: 5, maybePercent: 5, tooOldPercent: 2);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(
            worker => Task.Run(() => Disorder.RunAsync(Database, new SeededRandom(seed * 10 + (ulong)worker), 1500))));
    }

    private static async Task<FdbResult<byte[]?>> CancelledAsync(FdbTransaction transaction, CancellationToken ct)
    {
        StandIn.SetReachable(false);
        var get = transaction.GetAsync(B("k"), ct: ct);
        StandIn.SetReachable(true);
        return await get;
    }

    /// <summary>A scheduler of one thread.</summary>
    private sealed class OneThread : SynchronizationContext, IDisposable
    {
        private readonly System.Collections.Concurrent.BlockingCollection<(SendOrPostCallback, object?)> _work = [];

        public int ThreadId { get; private set; }

        public override void Post(SendOrPostCallback callback, object? state) => _work.Add((callback, state));

        public T Run<T>(Func<Task<T>> body)
        {
            var result = new TaskCompletionSource<T>();
            var thread = new Thread(() =>
            {
                ThreadId = Environment.CurrentManagedThreadId;
                SetSynchronizationContext(this);
                Post(_ => _ = BodyAsync(), null);
                foreach (var (callback, state) in _work.GetConsumingEnumerable()) callback(state);
            });
            thread.Start();
            thread.Join();
            return result.Task.Result;

            async Task BodyAsync()
            {
                result.SetResult(await body());
                _work.CompleteAdding();
            }
        }

        public void Dispose() => _work.Dispose();
    }
}
