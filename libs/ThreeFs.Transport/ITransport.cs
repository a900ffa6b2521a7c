using ThreeFs.Base;

namespace ThreeFs.Transport;

/// <summary>
/// A way to reach servers and to be one. One transport serves one scheme of <see cref="Transport.Endpoint"/>.
/// </summary>
public interface ITransport
{
    string Scheme { get; }

    /// <summary>
    /// Opens a connection. Fails with <see cref="StatusCode.ConnectFailed"/> (nobody there, refused, timed out),
    /// <see cref="StatusCode.Cancelled"/>, or <see cref="StatusCode.InvalidArgument"/> (not an endpoint of this
    /// transport).
    /// </summary>
    ValueTask<Result<IConnection>> ConnectAsync(Endpoint endpoint, CancellationToken ct = default);

    /// <summary>
    /// Starts serving. Fails with <see cref="StatusCode.Busy"/> when the address is in use, else with
    /// <see cref="StatusCode.InvalidArgument"/> or <see cref="StatusCode.IoError"/>, naming the endpoint.
    /// </summary>
    Result<IListener> Listen(Endpoint endpoint, IServerHandler handler);
}

/// <summary>A server's open door. Disposing closes it and every connection that came through it.</summary>
public interface IListener : IAsyncDisposable
{
    /// <summary>Where it really listens: port 0 is replaced by the one chosen.</summary>
    Endpoint Endpoint { get; }

    /// <summary>Connections open now.</summary>
    int Connections { get; }

    /// <summary>Requests being received, handled or answered now.</summary>
    int InFlight { get; }

    /// <summary>
    /// Stops taking requests: new connections are not accepted, new requests are answered with
    /// <see cref="StatusCode.Unavailable"/>. Completes when no request is in flight or <paramref name="grace"/> is
    /// over.
    /// </summary>
    ValueTask DrainAsync(TimeSpan grace);
}
