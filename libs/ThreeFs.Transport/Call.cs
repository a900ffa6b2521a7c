using ThreeFs.Base.Memory;

namespace ThreeFs.Transport;

/// <summary>
/// One request as the caller states it. The header is copied before <see cref="IConnection.CallAsync"/> returns, so it
/// may live on the stack. The payload memory stays the caller's: it must stay alive, and be left alone, until the call
/// has completed.
/// </summary>
public readonly ref struct Call
{
    public required ushort Method { get; init; }

    /// <summary>At most <see cref="TransportLimits.MaxHeader"/> bytes.</summary>
    public ReadOnlySpan<byte> Header { get; init; }

    /// <summary>Bytes that go to the server; at most <see cref="TransportLimits.MaxPayload"/>.</summary>
    public IoSlices SendPayload { get; init; }

    /// <summary>Where the response's payload is put; its length is the most the server may answer with.</summary>
    public IoSlices ReceivePayload { get; init; }

    /// <summary>
    /// Time until the call is given up with <see cref="Base.StatusCode.DeadlineExceeded"/>; zero takes the transport's
    /// default.
    /// </summary>
    public TimeSpan Timeout { get; init; }
}
