using ThreeFs.Base;
using ThreeFs.Io;
using ThreeFs.Io.Linux;
using ThreeFs.Io.Sockets;

namespace ThreeFs.Transport;

/// <summary>A connection as its listener knows it.</summary>
internal interface IAcceptedConnection
{
    Reactor Reactor { get; }

    /// <summary>Starts receiving. Reactor's thread, once.</summary>
    void Open();

    /// <summary>
    /// Ends it; the listener hears of the end (<see cref="SocketedListener.Closed"/>). Reactor's thread.
    /// </summary>
    void Break(Status reason);
}

/// <summary>
/// Accepts on one reactor and gives the connections to all of them in turn. Its counters are touched by every reactor,
/// the table of connections under a lock.
/// </summary>
internal abstract class SocketedListener : IListener
{
    private static readonly TimeSpan _acceptPause = TimeSpan.FromMilliseconds(100);

    private readonly IReadOnlyList<Reactor> _reactors;
    private readonly SocketListener _socket;
    private readonly Lock _lock = new();
    private readonly HashSet<IAcceptedConnection> _connections = [];
    private readonly TaskCompletionSource _acceptEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource? _allClosed;
    private long _nextId;

    protected SocketedListener(
        IReadOnlyList<Reactor> reactors, SocketListener socket, Endpoint endpoint, IServerHandler handler, TransportOptions options)
    {
        _reactors = reactors;
        _socket = socket;
        Endpoint = endpoint;
        Handler = handler;
        Options = options;
    }

    public Endpoint Endpoint { get; }

    public IServerHandler Handler { get; }

    public TransportOptions Options { get; }

    public RequestCounter Requests { get; } = new();

    public int Connections
    {
        get
        {
            lock (_lock) return _connections.Count;
        }
    }

    public int InFlight => Requests.Count;

    /// <summary>Begins to accept, on the first reactor.</summary>
    public void Start()
    {
        if (!_reactors[0].Post(static state => ((SocketedListener)state!).Accept(), this)) _acceptEnded.SetResult();
    }

    /// <summary>Makes a connection of an accepted number, or closes it and answers null.</summary>
    protected abstract IAcceptedConnection? Adopt(Reactor reactor, int accepted, long id);

    private async void Accept()
    {
        while (!Requests.IsDraining)
        {
            var accepted = await _socket.AcceptAsync();
            if (accepted >= 0)
            {
                Admit(accepted);
                continue;
            }

            if (accepted is -Errno.ECANCELED or -Errno.EINVAL) break;

            // Out of file numbers or memory: the waiting connection would be reported again at once.
            if (accepted is not (-Errno.ECONNABORTED or -Errno.EAGAIN)) await Task.Delay(_acceptPause, _reactors[0].Time);
        }

        _socket.Dispose();
        _acceptEnded.SetResult();
    }

    private void Admit(int accepted)
    {
        var id = ++_nextId;
        if (Requests.IsDraining || Connections >= Options.MaxConnections)
        {
            SocketListener.Refuse(accepted);
            return;
        }

        var reactor = _reactors[(int)(id % _reactors.Count)];
        if (Adopt(reactor, accepted, id) is not { } connection) return;
        lock (_lock) _connections.Add(connection);
        if (reactor.IsCurrent) connection.Open();
        else reactor.Post(static state => ((IAcceptedConnection)state!).Open(), connection);
    }

    public void Closed(IAcceptedConnection connection)
    {
        TaskCompletionSource? last = null;
        lock (_lock)
        {
            _connections.Remove(connection);
            if (_connections.Count == 0) last = _allClosed;
        }

        last?.TrySetResult();
    }

    public ValueTask DrainAsync(TimeSpan grace)
    {
        StopAccepting();
        return Requests.WaitAsync(grace, _reactors[0].Time);
    }

    private void StopAccepting()
    {
        if (Requests.StartDraining()) _reactors[0].Post(static state => ((SocketedListener)state!)._socket.Abort(), this);
    }

    public async ValueTask DisposeAsync()
    {
        StopAccepting();
        await _acceptEnded.Task;
        IAcceptedConnection[] open;
        TaskCompletionSource allClosed;
        lock (_lock)
        {
            allClosed = _allClosed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            open = [.. _connections];
        }

        foreach (var connection in open)
        {
            connection.Reactor.Post(
                static state => ((IAcceptedConnection)state!).Break(new Status(StatusCode.Cancelled, "the server is closing")),
                connection);
        }

        if (open.Length > 0) await allClosed.Task;
    }
}
