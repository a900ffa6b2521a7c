using ThreeFs.Base;

namespace ThreeFs.Transport;

/// <summary>
/// Answer to a call. <see cref="Header"/> lies in memory leased from the transport: read it, then dispose the result
/// once. The status is the server's answer, or the transport's when there is none (<see
/// cref="StatusCode.ConnectionLost"/>, <see cref="StatusCode.DeadlineExceeded"/>, <see cref="StatusCode.Cancelled"/>,
/// <see cref="StatusCode.Overloaded"/>).
/// </summary>
public readonly struct CallResult : IDisposable
{
    private readonly IHeaderLease? _lease;
    private readonly ReadOnlyMemory<byte> _header;
    private readonly short _token;

    internal CallResult(Status status, int payloadLength, ReadOnlyMemory<byte> header, IHeaderLease? lease, short token)
    {
        Status = status;
        PayloadLength = payloadLength;
        _header = header;
        _lease = lease;
        _token = token;
    }

    /// <summary>A result that owns nothing, for fakes and for failures before anything was sent.</summary>
    public CallResult(Status status, ReadOnlyMemory<byte> header = default, int payloadLength = 0)
        : this(status, payloadLength, header, null, 0)
    {
    }

    public Status Status { get; }

    public bool IsOk => Status.IsOk;

    /// <summary>The response's header; invalid after <see cref="Dispose"/>.</summary>
    public ReadOnlySpan<byte> Header => _header.Span;

    /// <summary>
    /// The same as memory, for code that awaits before it has parsed; invalid after <see cref="Dispose"/>.
    /// </summary>
    public ReadOnlyMemory<byte> HeaderMemory => _header;

    /// <summary>
    /// Bytes of the response's payload that were written into the call's receive slices, from their start.
    /// </summary>
    public int PayloadLength { get; }

    public void Dispose() => _lease?.Release(_token);
}

/// <summary>
/// Who gets the header memory of a <see cref="CallResult"/> back; the token tells a second dispose from the first.
/// </summary>
internal interface IHeaderLease
{
    void Release(short token);
}
