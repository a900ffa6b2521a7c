namespace ThreeFs.Transport.Rdma;

/// <summary>Bounds and times of an <see cref="RdmaTransport"/>; the defaults serve a storage network.</summary>
public sealed class RdmaOptions
{
    /// <summary>
    /// Calls in flight on one connection, on either side; at most 65536. More are refused or wait in the caller's turn.
    /// </summary>
    public int MaxInFlight { get; init; } = 1024;

    /// <summary>Connections a listener keeps; more are closed at once.</summary>
    public int MaxConnections { get; init; } = 4096;

    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>For calls that state none.</summary>
    public TimeSpan DefaultTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// How long a server may take to say that it leaves the memory of a given-up call alone; then the connection is
    /// broken, which makes sure of it.
    /// </summary>
    public TimeSpan CancelGrace { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Buffers for messages that a connection keeps on each side, 4 KiB each.</summary>
    public int MessageBuffers { get; init; } = 32;

    /// <summary>Work requests of one connection in the adapter's hands.</summary>
    public int SendQueue { get; init; } = 128;

    /// <summary>
    /// How long a reactor looks for the next completion itself before it sleeps until the adapter wakes it. Zero where
    /// processors are few.
    /// </summary>
    public TimeSpan SpinTime { get; init; } =
        Environment.ProcessorCount > 4 ? TimeSpan.FromMicroseconds(20) : TimeSpan.Zero;

    /// <summary>Most bytes of memory that transfers to and from unregistered memory are copied through.</summary>
    public long StagingBytes { get; init; } = 256L << 20;

    /// <summary>
    /// Told of exceptions that a handler let escape; the caller gets <see cref="Base.StatusCode.Internal"/>.
    /// </summary>
    public Action<ServerConnection, Exception>? HandlerFailed { get; init; }
}
