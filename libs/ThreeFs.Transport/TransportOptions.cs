namespace ThreeFs.Transport;

/// <summary>Bounds and times of a transport's connections; the defaults serve a storage network.</summary>
public sealed record TransportOptions
{
    /// <summary>
    /// Calls in flight on one connection, on either side; at most 65536. More are refused or not read.
    /// </summary>
    public int MaxInFlight { get; init; } = 1024;

    /// <summary>Connections a listener keeps; more are closed at once.</summary>
    public int MaxConnections { get; init; } = 4096;

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>
    /// Most memory for payloads that are copied on their way to a peer of this host; more calls are refused with
    /// <see cref="Base.StatusCode.Overloaded"/>.
    /// </summary>
    public long SharedBytes { get; init; } = 256L << 20;

    /// <summary>A peer of this host that takes nothing of what waits for it is given up after this time.</summary>
    public TimeSpan SilenceLimit { get; init; } = Io.Sockets.StreamSocket.SilenceLimit;

    /// <summary>For calls that state none.</summary>
    public TimeSpan DefaultTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Told of exceptions that a handler let escape; the caller gets <see cref="Base.StatusCode.Internal"/>.
    /// </summary>
    public Action<ServerConnection, Exception>? HandlerFailed { get; init; }
}
