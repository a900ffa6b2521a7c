using System.Net;
using System.Net.Sockets;
using ThreeFs.Base;
using ThreeFs.Io;
using ThreeFs.Io.Linux;
using ThreeFs.Io.Sockets;

namespace ThreeFs.Transport.Tcp;

/// <summary>
/// Frames over TCP, on the sockets of some reactors. A connection belongs to one reactor for its life: the caller's,
/// when it connects on the thread of one of them, else the next in turn.
/// </summary>
public sealed class TcpTransport : ITransport
{
    private readonly ReactorTurn _reactors;
    private readonly TransportOptions _options;

    public TcpTransport(Reactor reactor, TransportOptions? options = null)
        : this([reactor], options)
    {
    }

    public TcpTransport(IReadOnlyList<Reactor> reactors, TransportOptions? options = null)
    {
        _reactors = new ReactorTurn(reactors);
        _options = options ?? new TransportOptions();
        Invariant.Check(_options.MaxInFlight is > 0 and <= 65536, "a connection has 1 to 65536 calls in flight");
    }

    public string Scheme => Endpoint.TcpScheme;

    /// <summary>Completes on the reactor for a caller on it, else on the thread pool.</summary>
    public async ValueTask<Result<IConnection>> ConnectAsync(Endpoint endpoint, CancellationToken ct = default)
    {
        if (endpoint.Scheme != Scheme || endpoint.Port == 0)
            return new Status(StatusCode.InvalidArgument, $"{endpoint} is not a TCP address to connect to");
        var reactor = _reactors.Next(out var isHere);
        using var limit = new CancellationTokenSource(_options.ConnectTimeout, reactor.Time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
        var address = await ResolveAsync(endpoint, either.Token);
        if (!address.IsOk) return ct.IsCancellationRequested ? Cancelled(endpoint) : address.Status;

        await reactor.SwitchTo();
        var (socket, error) = await StreamSocket.ConnectAsync(reactor, address.Value, either.Token);
        Result<IConnection> result;
        if (socket is not null) result = Open(socket, endpoint);
        else if (ct.IsCancellationRequested) result = Cancelled(endpoint);
        else result = new Status(StatusCode.ConnectFailed, $"connect to {endpoint}: {Why(error)}");
        if (!isHere) await Task.Yield();
        return result;
    }

    private string Why(int error) => error == -Errno.ECANCELED
        ? $"no answer in {_options.ConnectTimeout.TotalSeconds} s"
        : Errno.Describe(-error);

    private TcpConnection Open(StreamSocket socket, Endpoint endpoint)
    {
        var connection = new TcpConnection(socket, endpoint, _options);
        connection.Open();
        return connection;
    }

    private static Status Cancelled(Endpoint endpoint) => new(StatusCode.Cancelled, $"connect to {endpoint}");

    private static async ValueTask<Result<IPEndPoint>> ResolveAsync(Endpoint endpoint, CancellationToken ct)
    {
        if (IPAddress.TryParse(endpoint.Host, out var literal)) return new IPEndPoint(literal, endpoint.Port);
        try
        {
            var addresses = await Dns.GetHostAddressesAsync(endpoint.Host, ct);
            var best = addresses.FirstOrDefault(a => a.AddressFamily == AddressFamily.InterNetwork) ?? addresses.FirstOrDefault();
            if (best is not null) return new IPEndPoint(best, endpoint.Port);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ArgumentException)
        {
            return new Status(StatusCode.ConnectFailed, $"look up {endpoint.Host}: {e.Message}");
        }

        return new Status(StatusCode.ConnectFailed, $"look up {endpoint.Host}: no address");
    }

    public Result<IListener> Listen(Endpoint endpoint, IServerHandler handler)
    {
        if (endpoint.Scheme != Scheme) return new Status(StatusCode.InvalidArgument, $"{endpoint} is not a TCP address");
        if (!IPAddress.TryParse(endpoint.Host, out var address))
        {
            if (endpoint.Host != "localhost")
                return new Status(StatusCode.InvalidArgument, $"listen on {endpoint}: give an IP address, or 0.0.0.0 for all");
            address = IPAddress.Loopback;
        }

        var socket = SocketListener.Open(_reactors.All[0], new IPEndPoint(address, endpoint.Port));
        if (!socket.TryGet(out var listening))
        {
            var code = socket.Code is StatusCode.Busy or StatusCode.InvalidArgument ? socket.Code : StatusCode.IoError;
            return new Status(code, socket.Status.Message);
        }

        var listener = new TcpListener(
            _reactors.All, listening, Endpoint.Tcp(endpoint.Host, listening.Local.Port), handler, _options);
        listener.Start();
        return listener;
    }
}
