using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Io;
using ThreeFs.Io.Linux;
using ThreeFs.Io.Sockets;

namespace ThreeFs.Transport.Rdma;

/// <summary>
/// Accepts set-up connections on one reactor and gives the links to all reactors in turn. The table of connections is under
/// a lock.
/// </summary>
internal sealed class RdmaListener : IListener
{
    private static readonly TimeSpan _acceptPause = TimeSpan.FromMilliseconds(100);

    private readonly RdmaTransport _transport;
    private readonly SocketListener _socket;
    private readonly Lock _lock = new();
    private readonly HashSet<RdmaServerConnection> _connections = [];
    private readonly HashSet<RdmaSetup> _settingUp = [];
    private readonly TaskCompletionSource _acceptEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource? _allClosed;
    private long _nextId;

    public RdmaListener(RdmaTransport transport, SocketListener socket, Endpoint endpoint, IServerHandler handler)
    {
        _transport = transport;
        _socket = socket;
        Endpoint = endpoint;
        Handler = handler;
    }

    public Endpoint Endpoint { get; }

    public IServerHandler Handler { get; }

    public RdmaOptions Options => _transport.Options;

    public BufferPool Staging => _transport.Staging;

    public RequestCounter Requests { get; } = new();

    public int Connections
    {
        get
        {
            lock (_lock) return _connections.Count;
        }
    }

    public int InFlight => Requests.Count;

    private Reactor First => _transport.Reactors[0];

    /// <summary>Begins to accept, on the first reactor.</summary>
    public void Start()
    {
        if (!First.Post(static state => ((RdmaListener)state!).Accept(), this)) _acceptEnded.SetResult();
    }

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
            if (accepted is not (-Errno.ECONNABORTED or -Errno.EAGAIN)) await Task.Delay(_acceptPause, First.Time);
        }

        _socket.Dispose();
        _acceptEnded.SetResult();
    }

    private void Admit(int accepted)
    {
        var id = ++_nextId;
        if (Requests.IsDraining || Connections + _settingUp.Count >= Options.MaxConnections)
        {
            SocketListener.Refuse(accepted);
            return;
        }

        var reactor = _transport.Reactors[(int)(id % _transport.Reactors.Count)];
        var setup = new RdmaSetup(SocketListener.Adopt(reactor, accepted, out var peer));
        lock (_lock) _settingUp.Add(setup);
        reactor.Post(
            static state =>
            {
                var (listener, setup, connection) = ((RdmaListener, RdmaSetup, RdmaServerConnection))state!;
                _ = listener.SetUpAsync(setup, connection);
            },
            (this, setup, new RdmaServerConnection(this, reactor, new ServerConnection(id, peer))));
    }

    /// <summary>
    /// Learns the peer's queue pair and tells ours. Whoever does not speak the protocol, or does not answer in time, is
    /// disconnected.
    /// </summary>
    private async Task SetUpAsync(RdmaSetup setup, RdmaServerConnection connection)
    {
        using var limit = connection.Reactor.Time.CreateTimer(
            static state => ((RdmaSetup)state!).Abort(), setup, Options.ConnectTimeout, Timeout.InfiniteTimeSpan);
        var received = await setup.ReceiveAsync();
        var link = received.TryGet(out var peer)
            ? _transport.OpenLink(connection.Reactor, setup, RdmaDomain.Service, connection)
            : received.Status;
        var status = link.Status;
        if (link.TryGet(out var opened))
        {
            var hello = opened.Hello(_transport.NextPsn());
            status = opened.Connect(hello, peer);
            if (status.IsOk)
            {
                bool isWanted;
                lock (_lock)
                {
                    _settingUp.Remove(setup);
                    isWanted = _allClosed is null;
                    if (isWanted) _connections.Add(connection);
                }

                if (isWanted)
                {
                    connection.Open(opened, setup);
                    status = setup.Send(hello);
                    if (!status.IsOk) connection.Break(status);
                    return;
                }
            }

            opened.Discard();
        }

        lock (_lock) _settingUp.Remove(setup);
        setup.Close();
    }

    public void Closed(RdmaServerConnection connection)
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
        return Requests.WaitAsync(grace, First.Time);
    }

    private void StopAccepting()
    {
        if (Requests.StartDraining()) First.Post(static state => ((RdmaListener)state!)._socket.Abort(), this);
    }

    public async ValueTask DisposeAsync()
    {
        StopAccepting();
        await _acceptEnded.Task;
        RdmaServerConnection[] open;
        TaskCompletionSource allClosed;
        lock (_lock)
        {
            allClosed = _allClosed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            open = [.. _connections];
            foreach (var setup in _settingUp) setup.Abort();
        }

        foreach (var connection in open)
        {
            connection.Reactor.Post(
                static state => ((RdmaServerConnection)state!).Break(new Status(StatusCode.Cancelled, "the server is closing")),
                connection);
        }

        if (open.Length > 0) await allClosed.Task;
    }
}
