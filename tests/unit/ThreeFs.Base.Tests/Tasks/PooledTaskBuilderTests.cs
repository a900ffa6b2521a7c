using System.Runtime.CompilerServices;
using ThreeFs.Base.Tasks;

namespace ThreeFs.Base.Tests.Tasks;

public sealed class PooledTaskBuilderTests
{
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private static async ValueTask<int> SumAsync(Task<int> first, Task<int> second) => await first + await second;

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private static async ValueTask<int> NestAsync(Task<int> first, Task<int> second)
    {
        var inner = await SumAsync(first, second);
        return inner * 2;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private static async ValueTask<int> FailAsync(Task? first)
    {
        if (first is not null) await first;
        throw new InvalidOperationException("wanted");
    }

    [Fact]
    public async Task Call_that_never_waits_completes_at_once()
    {
        var task = SumAsync(Task.FromResult(1), Task.FromResult(2));
        Assert.True(task.IsCompletedSuccessfully);
        Assert.Equal(3, await task);
    }

    [Fact]
    public async Task Calls_that_wait_keep_their_own_state_while_boxes_are_reused()
    {
        const ulong seed = 77;
        var random = new SeededRandom(seed);
        for (var round = 0; round < 200; round++)
        {
            var sources = Enumerable.Range(0, 32).Select(_ => (new TaskCompletionSource<int>(), new TaskCompletionSource<int>())).ToArray();
            var calls = sources.Select(s => NestAsync(s.Item1.Task, s.Item2.Task)).ToArray();
            var order = Enumerable.Range(0, 32).ToArray();
            random.Shuffle(order.AsSpan());
            foreach (var i in order) sources[i].Item1.SetResult(i);
            random.Shuffle(order.AsSpan());
            foreach (var i in order) sources[i].Item2.SetResult(1000);
            for (var i = 0; i < 32; i++) Assert.Equal((i + 1000) * 2, await calls[i]);
        }
    }

    [Fact]
    public async Task Exceptions_reach_the_caller_before_and_after_a_wait()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await FailAsync(null));
        var source = new TaskCompletionSource();
        var call = FailAsync(source.Task);
        source.SetResult();
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await call);
    }

    [Fact]
    public async Task Second_await_of_the_same_task_is_refused()
    {
        var source = new TaskCompletionSource<int>();
        var call = SumAsync(source.Task, source.Task);
        source.SetResult(1);
        Assert.Equal(2, await call);
#pragma warning disable CA2012 // The second await is what is tested.
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await call);
#pragma warning restore CA2012
    }

    [Fact]
    public void Pool_keeps_what_fits_and_hands_out_the_newest()
    {
        var pool = new BoundedPool<object>(20);
        var items = Enumerable.Range(0, 25).Select(_ => new object()).ToArray();
        Assert.Equal(20, items.Count(pool.TryAdd));
        for (var i = 19; i >= 0; i--) Assert.Same(items[i], pool.TryTake());
        Assert.Null(pool.TryTake());
    }
}
