using ThreeFs.Base.Tasks;

namespace ThreeFs.Base.Tests.Tasks;

public sealed class SharedCompletionTests
{
    [Fact]
    public void All_waiters_go_on_inline_and_in_order()
    {
        // As on a reactor's thread; the runner's own context would post continuations to itself.
        SynchronizationContext.SetSynchronizationContext(null);
        var completion = new SharedCompletion<int>();
        var seen = new List<(int Waiter, int Result, int Thread)>();
        for (var i = 0; i < 5; i++) _ = WaitAsync(i);
        completion.SetResult(7);
        Assert.Equal(Enumerable.Range(0, 5).Select(i => (i, 7, Environment.CurrentManagedThreadId)), seen);

        async Task WaitAsync(int waiter) => seen.Add((waiter, await completion.WaitAsync(), Environment.CurrentManagedThreadId));
    }

    [Fact]
    public async Task Who_comes_late_has_the_result_at_once()
    {
        var completion = new SharedCompletion<string>();
        completion.SetResult("done");
        var wait = completion.WaitAsync();
        Assert.True(wait.IsCompleted);
        Assert.Equal("done", await wait);
    }

    [Fact]
    public async Task An_exception_reaches_every_waiter()
    {
        var completion = new SharedCompletion<int>();
        var (first, second) = (completion.WaitAsync(), completion.WaitAsync());
        completion.SetException(new InvalidOperationException("broken"));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await first);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await second);
    }

    [Fact]
    public void Used_again_it_allocates_nothing()
    {
        SynchronizationContext.SetSynchronizationContext(null);
        var completion = new SharedCompletion<int>();
        for (var i = 0; i < 100; i++) Round(i);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 100; i++) Round(i);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Round(int result)
        {
            var (first, second) = (completion.WaitAsync(), completion.WaitAsync());
            completion.SetResult(result);
            Invariant.Check(first.GetAwaiter().GetResult() == result && second.GetAwaiter().GetResult() == result, "both have it");
            completion.Reset();
        }
    }

    [Fact]
    public async Task A_result_is_kept_for_its_waiter_when_the_completion_is_used_again()
    {
        var completion = new SharedCompletion<int>();
        var first = completion.WaitAsync();
        completion.SetResult(1);
        completion.Reset();
        var second = completion.WaitAsync();
        completion.SetResult(2);
        Assert.Equal(1, await first);
        Assert.Equal(2, await second);
    }
}
