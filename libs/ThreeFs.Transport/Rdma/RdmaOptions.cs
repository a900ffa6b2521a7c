namespace ThreeFs.Transport.Rdma;

/// <summary>What only an <see cref="RdmaTransport"/> has to know; the defaults serve a storage network.</summary>
public sealed record RdmaOptions
{
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
}
