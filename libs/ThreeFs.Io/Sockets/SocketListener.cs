using System.Net;
using ThreeFs.Base;
using ThreeFs.Io.Linux;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace ThreeFs.Io.Sockets;

/// <summary>A listening TCP or Unix socket of one reactor. What it accepts may be given to any reactor.</summary>
public sealed unsafe class SocketListener : IDisposable
{
    private const int Backlog = 1024;

    private readonly Reactor _reactor;
    private readonly SocketOperation _accept;
    private readonly int _fd;
    private bool _closed;

    private SocketListener(Reactor reactor, int fd)
    {
        _reactor = reactor;
        _fd = fd;
        _accept = new SocketOperation(reactor);
    }

    /// <summary>Where a TCP socket listens, with the port that was chosen.</summary>
    public IPEndPoint Local => SocketOptions.LocalAddress(_fd);

    /// <summary>Binds and listens; fails with <see cref="StatusCode.Busy"/> when the address is in use.</summary>
    public static Result<SocketListener> Open(Reactor reactor, IPEndPoint local)
    {
        var fd = SocketOptions.NewSocket(local);
        if (fd < 0) return Errno.ToStatus(-fd, $"make a socket for {local}");
        SocketOptions.Set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
        var address = new PinnedAddress(local);
        var result = Sys.Result(bind(fd, (sockaddr*)address.Address, (uint)address.Length));
        GC.KeepAlive(address);
        if (result == 0) result = Sys.Result(listen(fd, Backlog));
        if (result == 0) return new SocketListener(reactor, fd);
        Sys.Close(fd);
        return Errno.ToStatus(-result, $"listen on {local}");
    }

    /// <summary>
    /// Listens for <see cref="UnixSocket"/>s under a name of this network namespace; fails with <see cref="StatusCode.Busy"/> when
    /// somebody else does.
    /// </summary>
    public static Result<SocketListener> OpenUnix(Reactor reactor, string name)
    {
        var fd = UnixSocket.NewSocket();
        if (fd < 0) return Errno.ToStatus(-fd, $"make a Unix socket for {name}");
        var address = UnixSocket.AddressOf(name);
        int result;
        fixed (byte* p = address) result = Sys.Result(bind(fd, (sockaddr*)p, (uint)address.Length));
        if (result == 0) result = Sys.Result(listen(fd, Backlog));
        if (result == 0) return new SocketListener(reactor, fd);
        Sys.Close(fd);
        return Errno.ToStatus(-result, $"listen on the Unix socket {name}");
    }

    /// <summary>
    /// The number of the next connection, or the negative error; ECANCELED or EINVAL after <see cref="Abort"/>.
    /// </summary>
    public ValueTask<int> AcceptAsync() => _accept.Accept(_fd);

    /// <summary>Makes a stream of an accepted number.</summary>
    public static StreamSocket Adopt(Reactor reactor, int accepted, out string peer)
    {
        peer = SocketOptions.RemoteName(accepted);
        return new StreamSocket(reactor, accepted);
    }

    /// <summary>Refuses an accepted number.</summary>
    public static void Refuse(int accepted) => Sys.Close(accepted);

    /// <summary>Makes the accept in flight complete. Reactor's thread.</summary>
    public void Abort()
    {
        shutdown(_fd, SHUT_RDWR);
        _reactor.Cancel(_accept);
    }

    public void Dispose()
    {
        if (_closed) return;
        Invariant.Check(!_accept.IsRunning, "a listener is closed when it does not accept");
        _closed = true;
        Sys.Close(_fd);
    }
}
