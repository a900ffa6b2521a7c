using ThreeFs.Base;
using ThreeFs.Io;
using ThreeFs.Io.Linux;
using ThreeFs.Io.Sockets;

namespace ThreeFs.Transport.Tcp;

/// <summary>
/// Accepts on one reactor and gives the connections to all of them in turn. Its counters are touched by every reactor, the
/// table of connections under a lock.
/// </summary>
internal sealed class TcpListener : IListener
{
    private static readonly TimeSpan _acceptPause = TimeSpan.FromMilliseconds(100);

    private readonly IReadOnlyList<Reactor> _reactors;
    private readonly SocketListener _socket;
    private readonly Lock _lock = new();
    private readonly HashSet<TcpServerConnection> _connections = [];
    private readonly TaskCompletionSource _acceptEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TaskCompletionSource? _allClosed;
    private TaskCompletionSource? _quiet;
    private long _nextId;
    private int _inFlight;
    private volatile bool _draining;

    public TcpListener(
        IReadOnlyList<Reactor> reactors, SocketListener socket, Endpoint endpoint, IServerHandler handler, TcpTransportOptions options)
    {
        _reactors = reactors;
        _socket = socket;
        Endpoint = endpoint;
        Handler = handler;
        Options = options;
    }

    public Endpoint Endpoint { get; }

    public IServerHandler Handler { get; }

    public TcpTransportOptions Options { get; }

    public bool IsDraining => _draining;

    public int Connections
    {
        get
        {
            lock (_lock) return _connections.Count;
        }
    }

    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>Begins to accept, on the first reactor.</summary>
    public void Start()
    {
        if (!_reactors[0].Post(static state => ((TcpListener)state!).Accept(), this)) _acceptEnded.SetResult();
    }

    private async void Accept()
    {
        while (!_draining)
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
        if (_draining || Connections >= Options.MaxConnections)
        {
            SocketListener.Refuse(accepted);
            return;
        }

        var reactor = _reactors[(int)(id % _reactors.Count)];
        var socket = SocketListener.Adopt(reactor, accepted, out var peer);
        var connection = new TcpServerConnection(socket, this, new ServerConnection(id, peer));
        lock (_lock) _connections.Add(connection);
        if (reactor.IsCurrent) connection.Open();
        else reactor.Post(static state => ((TcpServerConnection)state!).Open(), connection);
    }

    public void RequestBegan() => Interlocked.Increment(ref _inFlight);

    public void RequestEnded()
    {
        if (Interlocked.Decrement(ref _inFlight) == 0 && _draining) Volatile.Read(ref _quiet)?.TrySetResult();
    }

    public void Closed(TcpServerConnection connection)
    {
        TaskCompletionSource? last = null;
        lock (_lock)
        {
            _connections.Remove(connection);
            if (_connections.Count == 0) last = _allClosed;
        }

        last?.TrySetResult();
    }

    public async ValueTask DrainAsync(TimeSpan grace)
    {
        var quiet = Interlocked.CompareExchange(
            ref _quiet, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), null) ?? _quiet!;
        StopAccepting();

        // The announcement is visible before the count is looked at: whoever ends the last request after this sees it.
        Interlocked.MemoryBarrier();
        if (InFlight == 0) return;
        await Task.WhenAny(quiet.Task, Task.Delay(grace, _reactors[0].Time));
    }

    private void StopAccepting()
    {
        if (_draining) return;
        _draining = true;
        _reactors[0].Post(static state => ((TcpListener)state!)._socket.Abort(), this);
    }

    public async ValueTask DisposeAsync()
    {
        StopAccepting();
        await _acceptEnded.Task;
        TcpServerConnection[] open;
        TaskCompletionSource allClosed;
        lock (_lock)
        {
            allClosed = _allClosed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            open = [.. _connections];
        }

        foreach (var connection in open)
        {
            connection.Reactor.Post(
                static state => ((TcpServerConnection)state!).Break(new Status(StatusCode.Cancelled, "the server is closing")),
                connection);
        }

        if (open.Length > 0) await allClosed.Task;
    }
}
