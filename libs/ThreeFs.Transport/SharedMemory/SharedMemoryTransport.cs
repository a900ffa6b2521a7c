using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Io;
using ThreeFs.Io.SharedMemory;
using ThreeFs.Io.Sockets;

namespace ThreeFs.Transport.SharedMemory;

/// <summary>
/// Frames in memory that two processes of one host map: no byte goes through the kernel, which only wakes who sleeps.
/// An answer's payload is copied once, out of the buffer that the device filled; a request's twice
/// (<see cref="SharedLink"/>, <see cref="SharedServerConnection"/>).
/// </summary>
/// <remarks>
/// Found without configuration: a server of "shm://10.0.0.1:8000" listens on an abstract Unix socket named after that
/// address, which exists in the server's network namespace only. So who finds it is on the same host and in the same
/// network, and a container that has a network of its own uses TCP. Peers are of the same user or root
/// (<see cref="Handshake.MayShare"/>).
/// </remarks>
public sealed class SharedMemoryTransport : ITransport, IDisposable
{
    public const string SharedScheme = "shm";

    private readonly ReactorTurn _reactors;
    private readonly TransportOptions _options;
    private readonly SharedArena _arena;
    private readonly bool _ownsArena;
    private readonly BufferPool _copies;
    private readonly PayloadPlacer _placer;

    private SharedMemoryTransport(ReactorTurn reactors, TransportOptions options, SharedArena arena, bool ownsArena)
    {
        _reactors = reactors;
        _options = options;
        _arena = arena;
        _ownsArena = ownsArena;
        _copies = new BufferPool(options.SharedBytes, arena);
        _placer = new PayloadPlacer(arena, _copies);
    }

    public string Scheme => SharedScheme;

    /// <summary>Copies of payloads that peers have not yet taken.</summary>
    internal int OutstandingCopies => _copies.Outstanding;

    /// <param name="reactors">As for <see cref="Tcp.TcpTransport"/>.</param>
    /// <param name="options">Bounds and times.</param>
    /// <param name="arena">
    /// Payloads in its buffers are not copied; it has room for <see cref="TransportOptions.SharedBytes"/> besides
    /// them and outlives the transport. Null makes one.
    /// </param>
    public static Result<SharedMemoryTransport> Create(
        IReadOnlyList<Reactor> reactors, TransportOptions? options = null, SharedArena? arena = null)
    {
        options ??= new TransportOptions();
        if (arena is not null) return new SharedMemoryTransport(new ReactorTurn(reactors), options, arena, ownsArena: false);
        var made = SharedArena.Create("threefs-arena", options.SharedBytes);
        return made.TryGet(out var own) ? new SharedMemoryTransport(new ReactorTurn(reactors), options, own, ownsArena: true) : made.Status;
    }

    /// <summary>
    /// As <see cref="ITransport.ConnectAsync"/>; also <see cref="StatusCode.NotFound"/> when nobody of this network
    /// namespace shares memory under that address, and <see cref="StatusCode.AccessDenied"/> when one refuses to.
    /// </summary>
    public async ValueTask<Result<IConnection>> ConnectAsync(Endpoint endpoint, CancellationToken ct = default)
    {
        if (endpoint.Scheme != Scheme || endpoint.Port == 0)
            return new Status(StatusCode.InvalidArgument, $"{endpoint} is not an address of shared memory to connect to");
        if (ct.IsCancellationRequested) return Cancelled(endpoint);
        var reactor = _reactors.Next(out var isHere);
        await reactor.SwitchTo();
        var result = await ConnectAsync(reactor, endpoint, ct);
        if (!isHere) await Task.Yield();
        return result;
    }

    private async ValueTask<Result<IConnection>> ConnectAsync(Reactor reactor, Endpoint endpoint, CancellationToken ct)
    {
        var connected = UnixSocket.Connect(reactor, Handshake.SocketName(endpoint));
        if (!connected.TryGet(out var socket))
            return new Status(connected.Code == StatusCode.NotFound ? StatusCode.ConnectFailed : connected.Code, $"connect to {endpoint}: {connected.Status.Message}");
        var shared = await ShareAsync(socket, ct);
        if (shared.TryGet(out var link))
        {
            var connection = new SharedConnection(socket, link, endpoint, _placer, _options);
            connection.Open();
            return connection;
        }

        socket.Dispose();
        return ct.IsCancellationRequested
            ? Cancelled(endpoint)
            : new Status(shared.Code, $"share memory with {endpoint}: {shared.Status.Message}");
    }

    private async ValueTask<Result<SharedLink>> ShareAsync(UnixSocket socket, CancellationToken ct)
    {
        if (!Handshake.MayShare(socket.PeerUser, isServer: true))
            return new Status(StatusCode.AccessDenied, $"the server is user {socket.PeerUser}, neither this one nor root");
        var created = SharedLink.CreateOutbox();
        if (!created.TryGet(out var outbox)) return created.Status;
        using (outbox)
        {
            if (Handshake.SendOffer(socket, outbox, _arena) != 0) return new Status(StatusCode.ConnectFailed, "the server is gone");
            using var limit = new CancellationTokenSource(_options.ConnectTimeout, socket.Reactor.Time);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, ct);
            int received;
            using (either.Token.UnsafeRegister(static state => ((UnixSocket)state!).Abort(), socket)) received = await socket.ReceiveAsync();
            if (received > 0) return Handshake.TakeOffer(socket, outbox);
            return new Status(
                StatusCode.ConnectFailed,
                limit.IsCancellationRequested ? $"no answer in {_options.ConnectTimeout.TotalSeconds:0.#} s" : "the server closed the connection");
        }
    }

    private static Status Cancelled(Endpoint endpoint) => new(StatusCode.Cancelled, $"connect to {endpoint}");

    public Result<IListener> Listen(Endpoint endpoint, IServerHandler handler)
    {
        if (endpoint.Scheme != Scheme || endpoint.Port == 0)
            return new Status(StatusCode.InvalidArgument, $"{endpoint} is not an address of shared memory to listen on");
        var opened = SocketListener.OpenUnix(_reactors.All[0], Handshake.SocketName(endpoint));
        if (!opened.TryGet(out var socket))
            return new Status(opened.Code == StatusCode.Busy ? StatusCode.Busy : StatusCode.IoError, $"listen on {endpoint}: {opened.Status.Message}");
        var listener = new SharedListener(_reactors.All, socket, endpoint, handler, _placer, _options);
        listener.Start();
        return listener;
    }

    /// <summary>Frees the memory; its connections and listeners are disposed.</summary>
    public void Dispose()
    {
        _copies.Dispose();
        if (_ownsArena) _arena.Dispose();
    }
}
