using ThreeFs.Base;
using ThreeFs.Client.Files;

namespace ThreeFs.Client.Tests.Files;

public sealed class WriteGateTests
{
    [Fact]
    public async Task Truncation_waits_for_writes_and_later_writes_wait_for_it()
    {
        SynchronizationContext.SetSynchronizationContext(null);
        var gate = new WriteGate();
        await gate.EnterAsync(default);
        await gate.EnterAsync(default);
        var alone = gate.EnterAloneAsync(default).AsTask();
        var later = new[] { gate.EnterAsync(default).AsTask(), gate.EnterAsync(default).AsTask() };
        gate.Exit();
        Assert.False(alone.IsCompleted);
        gate.Exit();
        Assert.True(alone.IsCompleted);
        Assert.All(later, t => Assert.False(t.IsCompleted));
        var another = gate.EnterAloneAsync(default).AsTask();
        gate.Exit();
        Assert.All(later, t => Assert.True(t.IsCompleted));
        Assert.False(another.IsCompleted);
        gate.Exit();
        gate.Exit();
        await another;
        gate.Exit();
        Assert.Throws<InvariantException>(gate.Exit);
    }

    [Fact]
    public async Task Lock_is_passed_on_in_order()
    {
        SynchronizationContext.SetSynchronizationContext(null);
        var turn = new AsyncLock();
        await turn.EnterAsync(default);
        var waiting = Enumerable.Range(0, 3).Select(_ => turn.EnterAsync(default).AsTask()).ToArray();
        for (var i = 0; i < 3; i++)
        {
            Assert.False(waiting[i].IsCompleted);
            turn.Release();
            Assert.True(waiting[i].IsCompleted);
        }

        turn.Release();
        await turn.EnterAsync(default);
    }

    [Fact]
    public async Task Who_gives_up_a_lock_is_passed_over()
    {
        SynchronizationContext.SetSynchronizationContext(null);
        var turn = new AsyncLock();
        Assert.True(await turn.EnterAsync(default));
        using var killed = new CancellationTokenSource();
        var first = turn.EnterAsync(killed.Token).AsTask();
        var second = turn.EnterAsync(default).AsTask();
        await killed.CancelAsync();
        Assert.False(await first);
        Assert.False(second.IsCompleted);
        turn.Release();
        Assert.True(await second);
        Assert.False(await turn.EnterAsync(killed.Token));
        turn.Release();
        Assert.True(await turn.EnterAsync(default));
    }

    [Fact]
    public async Task Who_gives_up_at_a_gate_no_longer_holds_up_others()
    {
        SynchronizationContext.SetSynchronizationContext(null);
        var gate = new WriteGate();
        await gate.EnterAsync(default);
        using var killed = new CancellationTokenSource();
        var alone = gate.EnterAloneAsync(killed.Token).AsTask();
        var write = gate.EnterAsync(default).AsTask();
        Assert.False(write.IsCompleted);
        await killed.CancelAsync();
        Assert.False(await alone);
        Assert.True(await write);
        gate.Exit();
        gate.Exit();
        Assert.Throws<InvariantException>(gate.Exit);
    }
}
