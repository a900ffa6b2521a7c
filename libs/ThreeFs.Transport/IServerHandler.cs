using ThreeFs.Base;

namespace ThreeFs.Transport;

/// <summary>
/// What a server does with requests. Everything here runs on the connection's reactor thread. A request with a payload
/// goes through two steps, so that the payload is received straight into its final buffer:
/// <list type="number">
/// <item><see cref="Accept"/> sees method and header and names the destination (<see
/// cref="ServerRequest.ReceiveInto"/>), or refuses with a status: the payload is then drained and the status is the
/// answer.</item>
/// <item><see cref="HandleAsync"/> runs when the payload is complete and returns the <see cref="Reply"/>.</item>
/// </list>
/// A request without payload goes to <see cref="HandleAsync"/> directly. The transport disposes the payload's owner
/// when the request is over, also when the connection breaks in between.
/// </summary>
public interface IServerHandler
{
    /// <summary>
    /// Chooses where <see cref="ServerRequest.PayloadLength"/> bytes go; must call <see
    /// cref="ServerRequest.ReceiveInto"/> when it answers Ok.
    /// </summary>
    Status Accept(ServerRequest request);

    /// <summary>
    /// Executes the request. Runs synchronously until its first real wait, so requests of one connection start in
    /// order. An exception is answered with <see cref="StatusCode.Internal"/> and reported; a broken invariant ends the
    /// process.
    /// </summary>
    ValueTask<Reply> HandleAsync(ServerRequest request);

    void ConnectionOpened(ServerConnection connection)
    {
    }

    /// <summary>The peer is gone; requests of it may still be running and are answered to nobody.</summary>
    void ConnectionClosed(ServerConnection connection, Status reason)
    {
    }
}
