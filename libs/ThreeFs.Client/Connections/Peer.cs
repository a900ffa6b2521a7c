using ThreeFs.Base;
using ThreeFs.Base.Tasks;
using ThreeFs.Transport;

namespace ThreeFs.Client.Connections;

/// <summary>
/// One endpoint and the connections to it. A broken connection is dropped when it breaks; the next
/// <see cref="GetAsync"/> opens another. Whoever needs a connection while one is being made shares that attempt. After
/// a failed attempt no other is made until a pause is over that doubles with each failure, so a dead server costs its
/// callers an error at once and the network one attempt a second. Thread-safe.
/// </summary>
public sealed class Peer
{
    private readonly Lock _lock = new();
    private readonly ITransport _transport;
    private readonly ConnectionPoolOptions _options;
    private readonly TimeProvider _time;
    private readonly SeededRandom _random;
    private readonly CancellationTokenSource _closing = new();

    /// <summary>Replaced as a whole under the lock and read without it.</summary>
    private volatile IConnection[] _open = [];
    private uint _turn;
    private volatile Task<Result<IConnection>>? _connecting;
    private Status _lastFailure;
    private long _failedAt;
    private TimeSpan _pause;
    private int _failures;
    private volatile bool _suspect;
    private bool _closed;

    internal Peer(Endpoint endpoint, ITransport transport, ConnectionPoolOptions options, TimeProvider time,
        SeededRandom random)
    {
        Endpoint = endpoint;
        _transport = transport;
        _options = options;
        _time = time;
        _random = random;
    }

    public Endpoint Endpoint { get; }

    /// <summary>The last connection broke or could not be made, and none was made since: prefer another
    /// replica.</summary>
    public bool IsSuspect => _suspect;

    /// <summary>Calls in flight over all connections of this peer.</summary>
    public int InFlight
    {
        get
        {
            var sum = 0;
            foreach (var connection in _open) sum += connection.InFlight;
            return sum;
        }
    }

    /// <summary>
    /// An open connection if there is one now; neither waits nor allocates. While there are fewer than wanted, another
    /// one is opened on the side.
    /// </summary>
    public IConnection? TryGet()
    {
        var open = _open;
        if (open.Length == 0) return null;
        if (open.Length < _options.PerEndpoint && _connecting is null) _ = ConnectAsync(CancellationToken.None);
        if (open.Length == 1) return open[0].IsBroken ? null : open[0];
        var first = Interlocked.Increment(ref _turn);
        for (var i = 0u; i < open.Length; i++)
        {
            var connection = open[(first + i) % (uint)open.Length];
            if (!connection.IsBroken) return connection;
        }

        return null;
    }

    /// <summary>
    /// An open connection, made if necessary. <see cref="StatusCode.ConnectFailed"/> when it cannot be made now (at
    /// once during the pause after a failure), <see cref="StatusCode.Cancelled"/> when the caller gave up or the pool
    /// is closed.
    /// </summary>
    public ValueTask<Result<IConnection>> GetAsync(CancellationToken ct = default) =>
        TryGet() is { } connection ? new(Result<IConnection>.Of(connection)) : ConnectAsync(ct);

    private async ValueTask<Result<IConnection>> ConnectAsync(CancellationToken ct)
    {
        TaskCompletionSource<Result<IConnection>>? mine = null;
        Task<Result<IConnection>> attempt;
        lock (_lock)
        {
            if (_closed) return new Status(StatusCode.Cancelled, "the connection pool is closed");
            if (_connecting is null)
            {
                if (_failures > 0 && _time.GetElapsedTime(_failedAt) < _pause) return _lastFailure;
                mine = new TaskCompletionSource<Result<IConnection>>();
                _connecting = mine.Task;
            }

            attempt = _connecting;
        }

        // Outside the lock: a transport may complete at once, and waiters continue inline.
        if (mine is not null) _ = OpenAsync(mine);
        if (!ct.CanBeCanceled || await attempt.CompletesAsync(ct)) return await attempt;
        return new Status(StatusCode.Cancelled, $"gave up waiting for a connection to {Endpoint}");
    }

    private async Task OpenAsync(TaskCompletionSource<Result<IConnection>> attempt)
    {
        Result<IConnection> result;
        using (var timeout = new CancellationTokenSource(_options.ConnectTimeout, _time))
        using (var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, _closing.Token))
        {
            result = await _transport.ConnectAsync(Endpoint, either.Token);
            if (result.Code == StatusCode.Cancelled && !_closing.IsCancellationRequested)
                result = new Status(StatusCode.ConnectFailed,
                    $"{Endpoint} did not accept a connection in {_options.ConnectTimeout.TotalSeconds:0.#} s");
        }

        var late = false;
        lock (_lock)
        {
            _connecting = null;
            if (result.TryGet(out var connection)) late = !Keep(connection);
            else Failed(result.Status);
        }

        if (result.TryGet(out var opened))
        {
            if (late)
            {
                await opened.DisposeAsync();
                result = new Status(StatusCode.Cancelled, "the connection pool is closed");
            }
            else
            {
                opened.OnClosed(reason => Drop(opened, reason));
            }
        }

        attempt.SetResult(result);
    }

    private bool Keep(IConnection connection)
    {
        if (_closed) return false;
        _failures = 0;
        _suspect = false;
        _open = [.. _open, connection];
        return true;
    }

    private void Failed(Status reason)
    {
        _failures++;
        _failedAt = _time.GetTimestamp();
        var pause = _options.FirstBackoff * Math.Pow(2, Math.Min(_failures - 1, 16));
        if (pause > _options.MaxBackoff) pause = _options.MaxBackoff;
        _pause = pause * (0.5 + _random.NextDouble() / 2);
        _suspect = true;
        _lastFailure = reason.Code == StatusCode.ConnectFailed
            ? reason
            : new Status(StatusCode.ConnectFailed, reason.ToString());
    }

    private void Drop(IConnection connection, Status reason)
    {
        lock (_lock)
        {
            _open = Array.FindAll(_open, c => !ReferenceEquals(c, connection));
            if (_open.Length == 0 && !reason.IsOk) _suspect = true;
        }
    }

    internal void Close()
    {
        lock (_lock) _closed = true;
    }

    internal async ValueTask DisposeAsync()
    {
        IConnection[] open;
        lock (_lock)
        {
            _closed = true;
            open = _open;
            _open = [];
        }

        await _closing.CancelAsync();
        foreach (var connection in open) await connection.DisposeAsync();
    }
}
