using ThreeFs.Io;
using ThreeFs.Io.Sockets;

namespace ThreeFs.Transport.Rdma;

/// <summary>The port where ends introduce themselves.</summary>
internal sealed class RdmaListener(RdmaTransport transport, SocketListener socket, Endpoint endpoint, IServerHandler handler)
    : SocketedListener(transport.Reactors, socket, endpoint, handler, transport.Options)
{
    public RdmaTransport Transport => transport;

    protected override IAcceptedConnection Adopt(Reactor reactor, int accepted, long id)
    {
        var setup = new RdmaSetup(SocketListener.Adopt(reactor, accepted, out var peer));
        return new RdmaServerConnection(this, reactor, setup, new ServerConnection(id, peer));
    }
}
