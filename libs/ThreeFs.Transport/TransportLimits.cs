namespace ThreeFs.Transport;

/// <summary>
/// The bounds every transport keeps on both sides; a peer that breaks one is disconnected, it never makes memory grow.
/// </summary>
public static class TransportLimits
{
    /// <summary>Most bytes of a request's or response's header.</summary>
    public const int MaxHeader = 64 * 1024;

    /// <summary>Largest chunk (64 MiB) and room for what a method wants to send beside it.</summary>
    public const int MaxPayload = (64 + 1) * 1024 * 1024;

    /// <summary>Longest time a call may be given.</summary>
    public static readonly TimeSpan MaxTimeout = TimeSpan.FromHours(1);
}
