using ThreeFs.Io;
using ThreeFs.Io.Sockets;
using ThreeFs.Transport.Frames;

namespace ThreeFs.Transport.Tcp;

/// <summary>A TCP port.</summary>
internal sealed class TcpListener(
    IReadOnlyList<Reactor> reactors, SocketListener socket, Endpoint endpoint, IServerHandler handler, TransportOptions options)
    : FramedListener(reactors, socket, endpoint, handler, options)
{
    protected override FramedServerConnection Adopt(Reactor reactor, int accepted, long id)
    {
        var socket = SocketListener.Adopt(reactor, accepted, out var peer);
        return new TcpServerConnection(socket, this, new ServerConnection(id, peer));
    }
}
