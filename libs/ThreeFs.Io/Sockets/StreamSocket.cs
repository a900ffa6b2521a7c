using System.Net;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Io.Linux;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace ThreeFs.Io.Sockets;

/// <summary>
/// A connected TCP stream of one reactor. Receiving and waiting sends run on the reactor's thread, one operation each
/// way; <see cref="TrySend"/> may be called on any thread, by one sender at a time. The socket reports error numbers as
/// they are: what they mean for a request is the protocol's business.
/// </summary>
/// <remarks>
/// A dead peer is noticed: a killed process by its reset, a silent host by keep-alive probes and by unacknowledged
/// bytes, both within <see cref="SilenceLimit"/>. <see cref="Abort"/> makes operations in flight complete; the number
/// is closed by <see cref="Dispose"/> only when none is, so the kernel never works on somebody else's file.
/// </remarks>
public sealed class StreamSocket : IDisposable
{
    /// <summary>A peer that acknowledges nothing for this long is taken for dead.</summary>
    public static readonly TimeSpan SilenceLimit = TimeSpan.FromSeconds(10);

    private readonly SocketOperation _receive;
    private readonly SocketOperation _send;
    private readonly int _fd;
    private bool _closed;

    internal StreamSocket(Reactor reactor, int fd)
    {
        Reactor = reactor;
        _fd = fd;
        _receive = new SocketOperation(reactor);
        _send = new SocketOperation(reactor);
        SocketOptions.Configure(fd, SilenceLimit);
    }

    public Reactor Reactor { get; }

    /// <summary>The address of this end: the one that the route to the peer gave it.</summary>
    public IPEndPoint Local => SocketOptions.LocalAddress(_fd);

    /// <summary>No operation is in flight.</summary>
    public bool IsQuiet => !_receive.IsRunning && !_send.IsRunning;

    /// <summary>Connects on the current reactor. Zero, or the negative error.</summary>
    public static async ValueTask<(StreamSocket? Socket, int Error)> ConnectAsync(
        Reactor reactor, IPEndPoint remote, CancellationToken ct)
    {
        var fd = SocketOptions.NewSocket(remote);
        if (fd < 0) return (null, fd);
        var socket = new StreamSocket(reactor, fd);
        int result;
        using (ct.UnsafeRegister(static s => Post((StreamSocket)s!, static x => x.Reactor.Cancel(x._send)), socket))
        {
            var address = new PinnedAddress(remote);
            result = await socket._send.Connect(fd, address.Address, address.Length);
            GC.KeepAlive(address);
        }

        if (result == 0) return (socket, 0);
        socket.Dispose();
        return (null, result);
    }

    private static void Post(StreamSocket socket, Action<StreamSocket> action) =>
        socket.Reactor.Post(static state =>
        {
            var (socket, action) = ((StreamSocket, Action<StreamSocket>))state!;
            action(socket);
        }, (socket, action));

    /// <summary>Bytes received (at least one), 0 at the end of the stream, or the negative error.</summary>
    /// <param name="destination">Where the bytes go.</param>
    /// <param name="expectEmpty">The last receive left nothing: wait before the first try.</param>
    public ValueTask<int> ReceiveAsync(IoMemory destination, bool expectEmpty) =>
        _receive.Receive(_fd, destination.Address, destination.Length, expectEmpty);

    /// <summary>
    /// The same until all pieces are full; fewer bytes at the end of the stream or after an error or a cancellation.
    /// </summary>
    public ValueTask<int> ReceiveAsync(IoVector destination) => _receive.ReceiveMessage(_fd, destination, pollFirst: false);

    /// <summary>After a receive: the kernel knew of more bytes.</summary>
    public bool MoreIsWaiting => _receive.MoreIsWaiting;

    /// <summary>Sends without waiting: bytes taken, or the negative error; EAGAIN when nothing fits now.</summary>
    public unsafe int TrySend(IoVector source) => Sys.SendMessage(_fd, source.Message(), MSG_DONTWAIT | MSG_NOSIGNAL);

    /// <summary>
    /// Sends everything, waiting for room: bytes taken (fewer after an error), or the negative error.
    /// </summary>
    public ValueTask<int> SendAsync(IoVector source) => _send.SendMessage(_fd, source);

    /// <summary>Makes a receive in flight complete, with what it got or with ECANCELED.</summary>
    public void CancelReceive() => Reactor.Cancel(_receive);

    /// <summary>
    /// Ends the stream both ways: operations in flight complete, the peer is told. Any thread, until disposed.
    /// </summary>
    public void Abort() => shutdown(_fd, SHUT_RDWR);

    /// <summary>Closes; nothing may be in flight and no thread in <see cref="TrySend"/>.</summary>
    public void Dispose()
    {
        if (_closed) return;
        Invariant.Check(IsQuiet, "a socket is closed when no operation is in flight");
        _closed = true;
        Sys.Close(_fd);
    }
}
