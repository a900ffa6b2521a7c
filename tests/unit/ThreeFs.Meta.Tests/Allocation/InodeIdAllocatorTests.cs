using ThreeFs.Base;
using ThreeFs.Kv;
using ThreeFs.Meta.Allocation;
using ThreeFs.Meta.Tests.Support;

namespace ThreeFs.Meta.Tests.Allocation;

public sealed class InodeIdAllocatorTests
{
    [Fact]
    public async Task Ids_are_unique_over_allocators_threads_and_unclear_commits()
    {
        var time = new TestTime();
        var store = new MemoryKvEngine(time);
        var faults = new SeededKvFaults(new SeededRandom(5)) { CommitMaybeCommitted = 0.3, CommitConflict = 0.2 };
        var engine = new FaultyKvEngine(store, faults, time);
        var allocators = Enumerable.Range(0, 3)
            .Select(i => new InodeIdAllocator(new KvRetry(engine, time, new SeededRandom((ulong)i)))).ToArray();
        var runs = await Task.WhenAll(Enumerable.Range(0, 6).Select(i => Task.Run(async () =>
        {
            var ids = new List<InodeId>();
            for (var n = 0; n < 5000; n++) ids.Add((await allocators[i % 3].NextAsync(default)).Value);
            return ids;
        })));
        var all = runs.SelectMany(r => r).ToArray();
        Assert.Equal(all.Length, all.Distinct().Count());
        Assert.All(all, id => Assert.InRange(id.Value, InodeId.FirstAllocated.Value, InodeIdAllocator.Limit - 1));
    }

    [Fact]
    public async Task Who_gives_up_leaves_the_ids_to_those_who_wait()
    {
        var time = new HeldTimers();
        var engine = new FaultyKvEngine(new MemoryKvEngine(time), new ScriptedKvFaults(KvFault.Throttled), time);
        var allocator = new InodeIdAllocator(new KvRetry(engine, time, new SeededRandom(1)));
        using var impatient = new CancellationTokenSource();
        var first = allocator.NextAsync(impatient.Token).AsTask();
        var second = allocator.NextAsync(default).AsTask();
        await impatient.CancelAsync();
        Assert.Equal(StatusCode.Cancelled, (await first).Code);
        Assert.False(second.IsCompleted);
        time.Fire();
        Assert.True((await second).IsOk);
    }

    [Fact]
    public async Task After_an_exception_the_next_caller_tries_again()
    {
        var time = new TestTime();
        var engine = new ThrowingOnce(new MemoryKvEngine(time));
        var allocator = new InodeIdAllocator(new KvRetry(engine, time, new SeededRandom(1)));
        await Assert.ThrowsAsync<InvalidOperationException>(() => allocator.NextAsync(default).AsTask());
        Assert.True((await allocator.NextAsync(default)).IsOk);
    }

    [Fact]
    public async Task The_end_of_the_number_space_is_an_error()
    {
        var time = new TestTime();
        var store = new MemoryKvEngine(time);
        using (var tx = store.BeginTransaction())
        {
            tx.AtomicMax(Meta.Records.MetaKeys.InodeAllocator, InodeIdAllocator.Limit - 1);
            (await tx.CommitAsync()).ThrowIfFailed();
        }

        var allocator = new InodeIdAllocator(new KvRetry(store, time, new SeededRandom(1)));
        Assert.Equal(StatusCode.NoSpace, (await allocator.NextAsync(default)).Code);
    }

    /// <summary>Timers end when the test says so.</summary>
    private sealed class HeldTimers : TimeProvider
    {
        private readonly Queue<Action> _held = new();

        public void Fire() => _held.Dequeue()();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _held.Enqueue(() => callback(state));
            return new TestTime().CreateTimer(callback, state, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }
    }

    private sealed class ThrowingOnce(IKvEngine inner) : IKvEngine
    {
        private bool _threw;

        public IKvTransaction BeginTransaction()
        {
            if (_threw) return inner.BeginTransaction();
            _threw = true;
            throw new InvalidOperationException("the store is broken");
        }

        public IKvReadTransaction BeginReadOnly() => inner.BeginReadOnly();

        public ValueTask<Status> FlushAsync(CancellationToken ct) => inner.FlushAsync(ct);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
