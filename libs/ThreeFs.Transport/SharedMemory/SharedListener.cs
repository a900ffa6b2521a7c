using ThreeFs.Io;
using ThreeFs.Io.Sockets;

namespace ThreeFs.Transport.SharedMemory;

/// <summary>The Unix socket of an address, where memory is shared.</summary>
internal sealed class SharedListener(
    IReadOnlyList<Reactor> reactors, SocketListener socket, Endpoint endpoint, IServerHandler handler, PayloadPlacer placer,
    TransportOptions options)
    : SocketedListener(reactors, socket, endpoint, handler, options)
{
    protected override IAcceptedConnection Adopt(Reactor reactor, int accepted, long id)
    {
        var peer = UnixSocket.Adopt(reactor, accepted);
        var identity = new ServerConnection(id, $"process {peer.PeerPid} of this host") { IsOfThisHost = true };
        return new SharedServerConnection(reactor, peer, this, identity, placer);
    }
}
