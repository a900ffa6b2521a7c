using Microsoft.Extensions.Time.Testing;
using ThreeFs.Base.Tasks;

namespace ThreeFs.Base.Tests.Tasks;

public sealed class WaitsTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task A_pause_ends_with_its_time_and_says_so()
    {
        var pause = _time.PauseAsync(TimeSpan.FromSeconds(2), CancellationToken.None).AsTask();
        _time.Advance(TimeSpan.FromSeconds(1.9));
        Assert.False(pause.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(0.1));
        Assert.True(pause.IsCompleted);
        Assert.True(await pause);
    }

    [Fact]
    public async Task A_pause_that_is_given_up_says_so_and_continues_outside_of_the_cancellation()
    {
        using var stop = new CancellationTokenSource();
        var cancelling = 0;
        var continuedInside = true;
        async Task<bool> WaitAsync()
        {
            var ended = await _time.PauseAsync(TimeSpan.FromSeconds(2), stop.Token);
            continuedInside = Volatile.Read(ref cancelling) == Environment.CurrentManagedThreadId;
            return ended;
        }

        var waiting = WaitAsync();
        Volatile.Write(ref cancelling, Environment.CurrentManagedThreadId);
        stop.Cancel();
        Volatile.Write(ref cancelling, 0);
        Assert.False(await waiting);
        Assert.False(continuedInside);
        Assert.False(await _time.PauseAsync(TimeSpan.FromSeconds(2), stop.Token));
        Assert.True(await _time.PauseAsync(TimeSpan.Zero, CancellationToken.None));
    }

    [Fact]
    public async Task A_task_is_waited_for_until_it_completes_or_is_given_up()
    {
        var done = new TaskCompletionSource();
        using var stop = new CancellationTokenSource();
        var first = done.Task.CompletesAsync(CancellationToken.None).AsTask();
        var second = done.Task.CompletesAsync(stop.Token).AsTask();
        stop.Cancel();
        Assert.False(await second);
        Assert.False(first.IsCompleted);
        done.SetException(new InvalidOperationException("seen by whoever asks the task"));
        Assert.True(await first);
        Assert.True(await done.Task.CompletesAsync(stop.Token));
    }
}
