using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Transport;

namespace ThreeFs.Io.Tests.Transport;

/// <summary>What every transport must do; each transport's test class inherits it.</summary>
public abstract class TransportContract : IAsyncLifetime
{
    private BufferPool _pool = null!;
    private EchoHandler _handler = null!;
    private IListener _listener = null!;

    private protected abstract ITransport Transport { get; }

    private protected abstract Endpoint ListenOn { get; }

    /// <summary>Lets time pass until deadlines of this length are over.</summary>
    private protected abstract Task PassAsync(TimeSpan time);

    private protected virtual ValueTask CleanUpAsync() => ValueTask.CompletedTask;

    private protected BufferPool Pool => _pool;

    private protected EchoHandler Handler => _handler;

    private protected IListener Listener => _listener;

    /// <summary>The memory of payloads on both sides.</summary>
    private protected virtual BufferPool MakePool() => new(1L << 30);

    public Task InitializeAsync()
    {
        _pool = MakePool();
        _handler = new EchoHandler(_pool);
        _listener = Transport.Listen(ListenOn, _handler).Value;
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        // A handler whose caller is gone may still be on its way to the end.
        await _listener.DrainAsync(TimeSpan.FromMinutes(1));
        await _listener.DisposeAsync();
        Assert.Equal(0, _listener.InFlight);
        Assert.Equal(0, _pool.Outstanding);
        _pool.Dispose();
        await CleanUpAsync();
    }

    private protected async Task<IConnection> ConnectAsync() => (await Transport.ConnectAsync(_listener.Endpoint)).Value;

    /// <summary>Continues off the reactor, as a test must.</summary>
    private protected static async Task<(Status Status, byte[] Header, int PayloadLength)> CallAsync(
        IConnection connection, ushort method, byte[]? header = null, IoSlices send = default, IoSlices receive = default,
        TimeSpan timeout = default, CancellationToken ct = default)
    {
        var task = connection.CallAsync(
            new Call { Method = method, Header = header, SendPayload = send, ReceivePayload = receive, Timeout = timeout }, ct);
        using var result = await task;
        var answer = (result.Status, result.Header.ToArray(), result.PayloadLength);
        await Task.Yield();
        return answer;
    }

    private protected async Task<TaskCompletionSource> NextHeldAsync()
    {
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _handler.HeldOne = () => held.TrySetResult();
        if (_handler.Held.IsEmpty) await held.Task;
        Assert.True(_handler.Held.TryDequeue(out var gate));
        return gate;
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(0, 1)]
    [InlineData(100, 4096)]
    [InlineData(64 * 1024, 0)]
    [InlineData(64 * 1024, 100_000)]
    [InlineData(17, 65_537)]
    [InlineData(300, 1 << 20)]
    [InlineData(10, 64 << 20)]
    public async Task Echo_of_every_size(int headerLength, int payloadLength)
    {
        await using var connection = await ConnectAsync();
        var random = new SeededRandom((ulong)(headerLength * 31 + payloadLength));
        var header = new byte[headerLength];
        random.NextBytes(header);
        using var sent = _pool.TryRent(payloadLength)!;
        using var received = _pool.TryRent(payloadLength)!;
        random.NextBytes(sent.Memory.Span);
        var (status, answer, length) = await CallAsync(connection, Methods.Echo, header,
            sent.Memory.Slice(0, payloadLength), received.Memory.Slice(0, payloadLength));
        Assert.Equal(Status.Ok, status);
        Assert.Equal(header, answer);
        Assert.Equal(payloadLength, length);
        Assert.True(sent.Memory.Span[..payloadLength].SequenceEqual(received.Memory.Span[..payloadLength]));
    }

    [Fact]
    public async Task Payloads_are_gathered_from_and_scattered_to_many_pieces()
    {
        await using var connection = await ConnectAsync();
        using var sent = _pool.TryRent(1 << 20)!;
        using var received = _pool.TryRent(1 << 20)!;
        new SeededRandom(5).NextBytes(sent.Memory.Span);
        var from = Cut(sent.Memory, 1031);
        var to = Cut(received.Memory, 4099);
        var (status, _, length) = await CallAsync(
            connection, Methods.Echo, [1], new IoSlices(from, from.Length), new IoSlices(to, to.Length));
        Assert.Equal(Status.Ok, status);
        Assert.Equal(1 << 20, length);
        Assert.True(sent.Memory.Span.SequenceEqual(received.Memory.Span));
    }

    [Fact]
    public async Task Many_calls_of_many_threads_do_not_mix()
    {
        await using var connection = await ConnectAsync();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            var random = new SeededRandom((ulong)worker);
            for (var i = 0; i < 200; i++)
            {
                var size = random.Next(3) switch { 0 => random.Next(100), 1 => random.Next(8192), _ => random.Next(200_000) };
                var method = random.NextBool(0.3) ? Methods.EchoElsewhere : Methods.Echo;
                using var sent = _pool.TryRent(size)!;
                using var received = _pool.TryRent(size)!;
                random.NextBytes(sent.Memory.Span[..size]);
                var header = new byte[random.Next(1, 300)];
                random.NextBytes(header);
                var (status, answer, length) = await CallAsync(
                    connection, method, header, sent.Memory.Slice(0, size), received.Memory.Slice(0, size));
                Assert.True(status.IsOk && length == size && answer.AsSpan().SequenceEqual(header), $"worker {worker} call {i}: {status}");
                Assert.True(sent.Memory.Span[..size].SequenceEqual(received.Memory.Span[..size]), $"worker {worker} call {i}");
            }
        })));
        Assert.Equal(0, connection.InFlight);
    }

    [Fact]
    public async Task Answers_may_come_out_of_order()
    {
        await using var connection = await ConnectAsync();
        var first = CallAsync(connection, Methods.Hold, [1]);
        var firstGate = await NextHeldAsync();
        var second = CallAsync(connection, Methods.Hold, [2]);
        var secondGate = await NextHeldAsync();
        var (_, quick, _) = await CallAsync(connection, Methods.Echo, [3]);
        Assert.Equal([3], quick);
        secondGate.SetResult();
        Assert.Equal([2], (await second).Header);
        Assert.False(first.IsCompleted);
        firstGate.SetResult();
        Assert.Equal([1], (await first).Header);
    }

    [Fact]
    public async Task A_failure_carries_its_message()
    {
        await using var connection = await ConnectAsync();
        var (status, header, _) = await CallAsync(connection, Methods.Fail, [9, 9]);
        Assert.Equal(new Status(StatusCode.ChunkNotFound, "chunk 7 is not here"), status);
        Assert.Empty(header);
    }

    [Fact]
    public async Task A_handlers_exception_is_internal_and_leaves_the_connection_usable()
    {
        await using var connection = await ConnectAsync();
        Assert.Equal(StatusCode.Internal, (await CallAsync(connection, Methods.Throw)).Status.Code);
        Assert.Equal(StatusCode.NotImplemented, (await CallAsync(connection, 999)).Status.Code);
        Assert.Equal(Status.Ok, (await CallAsync(connection, Methods.Echo)).Status);
    }

    [Fact]
    public async Task A_refused_payload_is_drained()
    {
        await using var connection = await ConnectAsync();
        using var sent = _pool.TryRent(8 << 20)!;
        for (var i = 0; i < 3; i++)
        {
            var (status, _, _) = await CallAsync(connection, Methods.Refuse, [1], sent.Memory);
            Assert.Equal(new Status(StatusCode.NoSpace, "no room for this"), status);
        }

        Assert.Equal([4], (await CallAsync(connection, Methods.Echo, [4])).Header);
        Assert.Equal(1, _handler.Handled);
    }

    [Fact]
    public async Task A_deadline_completes_the_call_and_the_late_answer_touches_nothing()
    {
        await using var connection = await ConnectAsync();
        using var sent = _pool.TryRent(100_000)!;
        using var received = _pool.TryRent(100_000)!;
        sent.Memory.Span.Fill(1);
        var timeout = TimeSpan.FromMilliseconds(30);
        var late = CallAsync(connection, Methods.Hold, [1], sent.Memory, received.Memory, timeout);
        var gate = await NextHeldAsync();
        await PassAsync(timeout);
        Assert.Equal(StatusCode.DeadlineExceeded, (await late).Status.Code);
        received.Memory.Span.Fill(7);
        gate.SetResult();
        Assert.Equal([2], (await CallAsync(connection, Methods.Echo, [2])).Header);
        await connection.DisposeAsync();
        Assert.Equal(-1, received.Memory.Span.IndexOfAnyExcept((byte)7));
    }

    [Fact]
    public async Task A_cancelled_call_completes_and_the_connection_goes_on()
    {
        await using var connection = await ConnectAsync();
        using var cancellation = new CancellationTokenSource();
        var held = CallAsync(connection, Methods.Hold, [1], ct: cancellation.Token);
        var gate = await NextHeldAsync();
        await cancellation.CancelAsync();
        Assert.Equal(StatusCode.Cancelled, (await held).Status.Code);
        gate.SetResult();
        Assert.Equal(Status.Ok, (await CallAsync(connection, Methods.Echo)).Status);
        Assert.Equal(StatusCode.Cancelled, (await CallAsync(connection, Methods.Echo, ct: cancellation.Token)).Status.Code);
    }

    [Fact]
    public async Task More_calls_than_may_be_in_flight_are_refused_here()
    {
        await using var connection = await ConnectAsync();
        var held = new List<Task<(Status Status, byte[] Header, int PayloadLength)>>();
        for (var i = 0; i < MaxInFlight; i++) held.Add(CallAsync(connection, Methods.Hold));
        Assert.Equal(MaxInFlight, connection.InFlight);
        Assert.Equal(StatusCode.Overloaded, (await CallAsync(connection, Methods.Echo)).Status.Code);
        for (var i = 0; i < MaxInFlight; i++) (await NextHeldAsync()).SetResult();
        foreach (var call in held) Assert.Equal(Status.Ok, (await call).Status);
        Assert.Equal(Status.Ok, (await CallAsync(connection, Methods.Echo)).Status);
    }

    private protected const int MaxInFlight = 16;

    [Fact]
    public async Task An_answer_longer_than_the_caller_takes_is_refused()
    {
        await using var connection = await ConnectAsync();
        using var sent = _pool.TryRent(8192)!;
        using var received = _pool.TryRent(4096)!;
        var (status, _, length) = await CallAsync(connection, Methods.Echo, [1], sent.Memory, received.Memory);
        Assert.Equal(StatusCode.InvalidArgument, status.Code);
        Assert.Equal(0, length);
        Assert.Equal(Status.Ok, (await CallAsync(connection, Methods.Fill, receive: received.Memory)).Status);
    }

    [Fact]
    public async Task When_the_server_closes_calls_in_flight_are_lost_then_observers_hear()
    {
        var connection = await ConnectAsync();
        using var received = _pool.TryRent(4096)!;
        var events = new List<string>();
        var closed = new TaskCompletionSource<Status>(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.OnClosed(reason =>
        {
            lock (events) events.Add("closed");
            closed.TrySetResult(reason);
        });
        var held = Observed();
        var gate = await NextHeldAsync();
        await _listener.DisposeAsync();
        Assert.Equal(StatusCode.ConnectionLost, await held);
        var reason = await closed.Task;
        Assert.False(reason.IsOk);
        Assert.Equal(["call", "closed"], events);
        Assert.True(connection.IsBroken);
        Assert.Equal(StatusCode.ConnectionLost, (await CallAsync(connection, Methods.Echo)).Status.Code);
        var again = new TaskCompletionSource<Status>(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.OnClosed(again.SetResult);
        Assert.Equal(reason, await again.Task);
        gate.SetResult();
        await connection.DisposeAsync();
        await WaitUntilAsync(() => _listener.InFlight == 0);
        Assert.Equal(StatusCode.ConnectFailed, (await Transport.ConnectAsync(_listener.Endpoint)).Code);

        async Task<StatusCode> Observed()
        {
            using var result = await connection.CallAsync(
                new Call { Method = Methods.Hold, ReceivePayload = received.Memory });
            lock (events) events.Add("call");
            var code = result.Status.Code;
            await Task.Yield();
            return code;
        }
    }

    [Fact]
    public async Task When_the_client_goes_the_server_hears_and_drops_the_answer()
    {
        var connection = await ConnectAsync();
        using var sent = _pool.TryRent(4096)!;
        var held = CallAsync(connection, Methods.Hold, [1], sent.Memory);
        var gate = await NextHeldAsync();
        Assert.Equal(1, _listener.Connections);
        Assert.Equal(1, _listener.InFlight);
        await connection.DisposeAsync();
        Assert.Equal(StatusCode.ConnectionLost, (await held).Status.Code);
        await WaitUntilAsync(() => _listener.Connections == 0);
        Assert.True(_handler.Opened.TryDequeue(out var opened));
        Assert.True(_handler.Closed.TryDequeue(out var closed));
        Assert.Same(opened, closed.Connection);
        Assert.True(opened.IsClosed);
        gate.SetResult();
        await WaitUntilAsync(() => _listener.InFlight == 0);
    }

    [Fact]
    public async Task Draining_refuses_new_requests_and_waits_for_the_old_ones()
    {
        await using var connection = await ConnectAsync();
        using var sent = _pool.TryRent(4096)!;
        var held = CallAsync(connection, Methods.Hold, [1]);
        var gate = await NextHeldAsync();
        var drain = _listener.DrainAsync(TimeSpan.FromMinutes(10)).AsTask();
        Assert.Equal(StatusCode.Unavailable, (await CallAsync(connection, Methods.Echo)).Status.Code);
        Assert.Equal(StatusCode.Unavailable, (await CallAsync(connection, Methods.Echo, send: sent.Memory)).Status.Code);
        Assert.False(drain.IsCompleted);
        gate.SetResult();
        Assert.Equal(Status.Ok, (await held).Status);
        await drain;
        Assert.Equal(0, _listener.InFlight);
    }

    [Fact]
    public async Task Wrong_endpoints_are_refused_by_name()
    {
        var nobody = await Transport.ConnectAsync(Nobody);
        Assert.Equal(StatusCode.ConnectFailed, nobody.Code);
        Assert.Contains(Nobody.ToString(), nobody.Status.Message);
        var foreign = new Endpoint("pigeon", "somewhere", 1);
        Assert.Equal(StatusCode.InvalidArgument, (await Transport.ConnectAsync(foreign)).Code);
        Assert.Equal(StatusCode.InvalidArgument, Transport.Listen(foreign, _handler).Code);
        var taken = Transport.Listen(_listener.Endpoint, _handler);
        Assert.Equal(StatusCode.Busy, taken.Code);
    }

    private protected abstract Endpoint Nobody { get; }

    /// <summary>For ends that have no event to wait for. Bounded by the test's own time limit.</summary>
    private protected static async Task WaitUntilAsync(Func<bool> condition)
    {
        while (!condition()) await Task.Yield();
    }

    private static IoMemory[] Cut(IoMemory memory, int size)
    {
        var pieces = new List<IoMemory>();
        for (var at = 0; at < memory.Length; at += size) pieces.Add(memory.Slice(at, Math.Min(size, memory.Length - at)));
        return [.. pieces];
    }
}
