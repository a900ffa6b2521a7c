using ThreeFs.Io;
using ThreeFs.Io.Sockets;

namespace ThreeFs.Transport.Tcp;

/// <summary>A TCP port.</summary>
internal sealed class TcpListener(
    IReadOnlyList<Reactor> reactors, SocketListener socket, Endpoint endpoint, IServerHandler handler, TransportOptions options)
    : SocketedListener(reactors, socket, endpoint, handler, options)
{
    protected override IAcceptedConnection Adopt(Reactor reactor, int accepted, long id)
    {
        var socket = SocketListener.Adopt(reactor, accepted, out var peer);
        return new TcpServerConnection(socket, this, new ServerConnection(id, peer));
    }
}
