using Microsoft.Extensions.Time.Testing;
using ThreeFs.Base;
using ThreeFs.Transport;
using ThreeFs.Transport.InProc;

namespace ThreeFs.Io.Tests.Transport;

public sealed class InProcTransportTests : TransportContract
{
    private readonly FakeTimeProvider _time = new();
    private readonly InProcTransport _transport;

    public InProcTransportTests() => _transport = new InProcTransport(_time, new InProcOptions { MaxInFlight = MaxInFlight });

    private protected override ITransport Transport => _transport;

    private protected override Endpoint ListenOn => Endpoint.InProc("server");

    private protected override Endpoint Nobody => Endpoint.InProc("nobody");

    private protected override Task PassAsync(TimeSpan time)
    {
        _time.Advance(time);
        return Task.CompletedTask;
    }

    [Fact]
    public async Task With_one_thread_a_call_is_over_when_it_returns()
    {
        await using var connection = await ConnectAsync();
        var call = connection.CallAsync(new Call { Method = Methods.Echo, Header = [1, 2] });
        Assert.True(call.IsCompleted);
        using var result = await call;
        Assert.Equal([1, 2], result.Header.ToArray());
    }

    [Fact]
    public async Task Steps_run_when_the_schedule_says_so_and_in_order()
    {
        var steps = new Queue<(Action<object?> Action, object? State)>();
        var transport = new InProcTransport(_time, null, (action, state) => steps.Enqueue((action, state)));
        var listener = transport.Listen(ListenOn, Handler).Value;
        var connection = (await transport.ConnectAsync(ListenOn)).Value;
        var first = connection.CallAsync(new Call { Method = Methods.Echo, Header = [1] }).AsTask();
        var second = connection.CallAsync(new Call { Method = Methods.Echo, Header = [2] }).AsTask();
        Assert.False(first.IsCompleted);
        Step();
        Assert.Single(Handler.Opened);
        Step();
        Assert.True(first.IsCompleted);
        Assert.False(second.IsCompleted);
        _time.Advance(TimeSpan.FromHours(1));
        Step();
        Assert.Equal(Status.Ok, (await second).Status);
        while (steps.Count > 0) Step();
        var closing = listener.DisposeAsync();
        while (steps.Count > 0) Step();
        await closing;

        void Step()
        {
            var (action, state) = steps.Dequeue();
            action(state);
        }
    }
}
