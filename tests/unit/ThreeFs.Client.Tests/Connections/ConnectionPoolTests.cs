using Microsoft.Extensions.Time.Testing;
using ThreeFs.Base;
using ThreeFs.Client.Connections;
using ThreeFs.Client.Tests.Testing;
using ThreeFs.Transport;

namespace ThreeFs.Client.Tests.Connections;

public sealed class ConnectionPoolTests
{
    private static readonly Endpoint _endpoint = Endpoint.InProc("x");
    private readonly FakeTimeProvider _time = new();
    private readonly StubTransport _transport = new();

    public ConnectionPoolTests() => SynchronizationContext.SetSynchronizationContext(null);

    private ConnectionPool Pool(int perEndpoint = 1) =>
        new(_transport, new ConnectionPoolOptions { PerEndpoint = perEndpoint }, _time, new SeededRandom(1));

    [Fact]
    public async Task Callers_share_one_attempt_and_then_one_connection()
    {
        await using var pool = Pool();
        Assert.Null(pool.Peer(_endpoint).TryGet());
        var callers = Enumerable.Range(0, 10).Select(_ => pool.GetAsync(_endpoint).AsTask()).ToArray();
        Assert.Single(_transport.Attempts);
        var connection = _transport.Succeed();
        foreach (var caller in callers) Assert.Same(connection, (await caller).Value);
        Assert.Same(connection, pool.Peer(_endpoint).TryGet());
        Assert.Same(connection, (await pool.GetAsync(_endpoint)).Value);
        Assert.Single(_transport.Attempts);
    }

    [Fact]
    public async Task One_caller_who_gives_up_does_not_disturb_the_others()
    {
        await using var pool = Pool();
        using var give = new CancellationTokenSource();
        var first = pool.GetAsync(_endpoint, give.Token).AsTask();
        var second = pool.GetAsync(_endpoint).AsTask();
        await give.CancelAsync();
        Assert.Equal(StatusCode.Cancelled, (await first).Code);
        _transport.Succeed();
        Assert.True((await second).IsOk);
    }

    [Fact]
    public async Task Failures_are_answered_at_once_during_pauses_that_grow_to_a_limit()
    {
        await using var pool = Pool();
        var peer = pool.Peer(_endpoint);
        Assert.False(peer.IsSuspect);
        for (var failure = 1; failure <= 12; failure++)
        {
            var attempt = pool.GetAsync(_endpoint).AsTask();
            Assert.Equal(failure, _transport.Attempts.Count);
            _transport.Fail();
            Assert.Equal(StatusCode.ConnectFailed, (await attempt).Code);
            Assert.True(peer.IsSuspect);
            Assert.Equal(StatusCode.ConnectFailed, (await pool.GetAsync(_endpoint)).Code);
            var full = Math.Min(1000, 20 * Math.Pow(2, failure - 1));
            _time.Advance(TimeSpan.FromMilliseconds(full / 2 - 1));
            Assert.Equal(StatusCode.ConnectFailed, (await pool.GetAsync(_endpoint)).Code);
            Assert.Equal(failure, _transport.Attempts.Count);
            _time.Advance(TimeSpan.FromMilliseconds(full / 2 + 1));
        }

        var good = pool.GetAsync(_endpoint).AsTask();
        _transport.Succeed();
        Assert.True((await good).IsOk);
        Assert.False(peer.IsSuspect);
    }

    [Fact]
    public async Task Silent_endpoint_fails_after_the_connect_timeout()
    {
        await using var pool = Pool();
        var attempt = pool.GetAsync(_endpoint).AsTask();
        _time.Advance(TimeSpan.FromSeconds(1.9));
        Assert.False(attempt.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(0.2));
        Assert.Equal(StatusCode.ConnectFailed, (await attempt).Code);
    }

    [Fact]
    public async Task Broken_connection_is_dropped_and_replaced()
    {
        await using var pool = Pool();
        var opening = pool.GetAsync(_endpoint).AsTask();
        var first = _transport.Succeed();
        await opening;
        first.Break();
        Assert.Null(pool.Peer(_endpoint).TryGet());
        Assert.True(pool.Peer(_endpoint).IsSuspect);
        opening = pool.GetAsync(_endpoint).AsTask();
        var second = _transport.Succeed();
        Assert.Same(second, (await opening).Value);
        Assert.Same(second, pool.Peer(_endpoint).TryGet());
    }

    [Fact]
    public async Task Several_connections_are_used_in_turn()
    {
        await using var pool = Pool(perEndpoint: 3);
        var opening = pool.GetAsync(_endpoint).AsTask();
        _transport.Succeed();
        await opening;
        Assert.NotNull(pool.Peer(_endpoint).TryGet());
        _transport.Succeed();
        Assert.NotNull(pool.Peer(_endpoint).TryGet());
        _transport.Succeed();
        Assert.Equal(3, Enumerable.Range(0, 9).Select(_ => pool.Peer(_endpoint).TryGet()).Distinct().Count());
        Assert.Equal(3, _transport.Attempts.Count);
    }

    [Fact]
    public async Task Disposed_pool_closes_everything_and_opens_nothing()
    {
        var pool = Pool();
        var opening = pool.GetAsync(_endpoint).AsTask();
        var connection = _transport.Succeed();
        await opening;
        var other = pool.GetAsync(Endpoint.InProc("y")).AsTask();
        await pool.DisposeAsync();
        Assert.True(connection.IsDisposed);
        Assert.False((await other).IsOk);
        Assert.Equal(StatusCode.Cancelled, (await pool.GetAsync(_endpoint)).Code);
        Assert.Equal(StatusCode.Cancelled, (await pool.GetAsync(Endpoint.InProc("z"))).Code);
    }
}
