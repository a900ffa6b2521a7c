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
        await gate.EnterAsync();
        await gate.EnterAsync();
        var alone = gate.EnterAloneAsync().AsTask();
        var later = new[] { gate.EnterAsync().AsTask(), gate.EnterAsync().AsTask() };
        gate.Exit();
        Assert.False(alone.IsCompleted);
        gate.Exit();
        Assert.True(alone.IsCompleted);
        Assert.All(later, t => Assert.False(t.IsCompleted));
        var another = gate.EnterAloneAsync().AsTask();
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
        await turn.EnterAsync();
        var waiting = Enumerable.Range(0, 3).Select(_ => turn.EnterAsync().AsTask()).ToArray();
        for (var i = 0; i < 3; i++)
        {
            Assert.False(waiting[i].IsCompleted);
            turn.Release();
            Assert.True(waiting[i].IsCompleted);
        }

        turn.Release();
        await turn.EnterAsync();
    }
}
