using ThreeFs.Base;
using ThreeFs.Io.Ring;

namespace ThreeFs.Io.Tests;

public sealed class ReactorTests
{
    [Fact]
    public async Task Posts_of_one_thread_run_in_order_on_the_reactors_thread()
    {
        await using var fixture = new ReactorFixture();
        var seen = new List<int>();
        for (var i = 0; i < 10_000; i++)
        {
            var number = i;
            Assert.True(fixture.Reactor.Post(_ =>
            {
                Assert.True(fixture.Reactor.IsCurrent);
                seen.Add(number);
            }, null));
        }

        await fixture.Reactor.InvokeAsync(() => ValueTask.CompletedTask);
        Assert.Equal(Enumerable.Range(0, 10_000), seen);
    }

    [Fact]
    public async Task Many_threads_post_and_no_wake_up_is_lost()
    {
        await using var fixture = new ReactorFixture();
        const int threads = 4, rounds = 3000;
        await Task.WhenAll(Enumerable.Range(0, threads).Select(_ => Task.Run(async () =>
        {
            // Each round waits for its own answer: one lost wake-up would hang here.
            for (var i = 0; i < rounds; i++) await fixture.Reactor.InvokeAsync(() => ValueTask.CompletedTask);
        })));
    }

    [Fact]
    public async Task Timers_fire_on_the_reactor_in_the_order_of_their_instants()
    {
        await using var fixture = new ReactorFixture();
        var order = new List<int>();
        await fixture.Reactor.InvokeAsync(async () =>
        {
            var waits = new List<Task>();
            foreach (var delay in new[] { 30, 10, 20, 0, 40 }) waits.Add(Delayed(delay));
            await Task.WhenAll(waits);
            Assert.True(fixture.Reactor.IsCurrent);
        });
        Assert.Equal([0, 10, 20, 30, 40], order);

        async Task Delayed(int milliseconds)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(milliseconds), fixture.Reactor.Time);
            Assert.True(fixture.Reactor.IsCurrent);
            order.Add(milliseconds);
        }
    }

    [Fact]
    public async Task A_timer_armed_by_another_thread_wakes_the_sleeping_reactor()
    {
        await using var fixture = new ReactorFixture();
        await fixture.Reactor.InvokeAsync(() => ValueTask.CompletedTask);
        var fired = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var timer = fixture.Reactor.Time.CreateTimer(
            _ => fired.TrySetResult(fixture.Reactor.IsCurrent), null, TimeSpan.FromMilliseconds(1), Timeout.InfiniteTimeSpan);
        Assert.True(await fired.Task);
    }

    [Fact]
    public async Task A_periodic_timer_repeats_until_disposed()
    {
        await using var fixture = new ReactorFixture();
        var count = 0;
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        ITimer? timer = null;
        timer = fixture.Reactor.Time.CreateTimer(_ =>
        {
            if (++count == 3) done.TrySetResult();
            if (count == 3) timer!.Dispose();
        }, null, TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(1));
        await done.Task;
        await fixture.Reactor.InvokeAsync(async () => await Task.Delay(TimeSpan.FromMilliseconds(20), fixture.Reactor.Time));
        Assert.Equal(3, count);
    }

    [Fact]
    public async Task Deferred_work_runs_after_the_posts_of_the_turn()
    {
        await using var fixture = new ReactorFixture();
        var order = new List<string>();
        await fixture.Reactor.InvokeAsync(() =>
        {
            fixture.Reactor.Defer(_ => order.Add("deferred"), null);
            order.Add("post");
            return ValueTask.CompletedTask;
        });
        await fixture.Reactor.InvokeAsync(() => ValueTask.CompletedTask);
        Assert.Equal(["post", "deferred"], order);
    }

    [Fact]
    public async Task A_stopped_reactor_refuses_posts_and_ends_what_was_in_flight()
    {
        var reactor = Reactor.Start("stopping").Value;
        var never = new EndlessPoll();
        await reactor.InvokeAsync(() =>
        {
            reactor.Start(never);
            return ValueTask.CompletedTask;
        });
        await reactor.DisposeAsync();
        Assert.Equal(-Linux.Errno.ECANCELED, never.Result);
        Assert.False(reactor.Post(_ => Assert.Fail("runs after the end"), null));
        await Assert.ThrowsAsync<StatusException>(() => reactor.InvokeAsync(() => ValueTask.CompletedTask));
    }

    [Fact]
    public async Task More_operations_than_the_queue_holds_all_complete()
    {
        await using var fixture = new ReactorFixture();
        var completed = 0;
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        const int count = 50_000;
        await fixture.Reactor.InvokeAsync(() =>
        {
            for (var i = 0; i < count; i++)
            {
                fixture.Reactor.Start(new Nop(() =>
                {
                    if (++completed == count) done.SetResult();
                }));
            }

            return ValueTask.CompletedTask;
        });
        await done.Task;
        Assert.Equal(0, fixture.Reactor.OperationsInFlight);
    }

    private sealed class Nop(Action completed) : RingOperation
    {
        public override void Prepare(ref Linux.Sqe sqe) => sqe.Opcode = Linux.UringOp.Nop;

        public override void Complete(int result, uint flags) => completed();
    }

    /// <summary>Accepts on a socket that nobody connects to.</summary>
    private sealed class EndlessPoll : RingOperation
    {
        private readonly System.Net.Sockets.Socket _socket = new(
            System.Net.Sockets.AddressFamily.InterNetwork, System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);

        public EndlessPoll()
        {
            _socket.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
            _socket.Listen();
        }

        public int Result { get; private set; }

        public override void Prepare(ref Linux.Sqe sqe)
        {
            sqe.Opcode = Linux.UringOp.Accept;
            sqe.Fd = (int)_socket.Handle;
        }

        public override void Complete(int result, uint flags)
        {
            Result = result;
            _socket.Dispose();
        }
    }
}
