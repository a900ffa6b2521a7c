using ThreeFs.Base;
using ThreeFs.Base.Memory;

namespace ThreeFs.Transport;

/// <summary>
/// One request on the server, from its header's arrival until its answer has been sent. Pooled: whoever handles it must
/// not keep it beyond the <see cref="Reply"/>. Only the connection's reactor thread touches it.
/// </summary>
public abstract class ServerRequest
{
    private IDisposable? _payloadOwner;

    private protected ServerRequest()
    {
    }

    public ServerConnection Connection { get; private protected set; } = null!;

    public ushort Method { get; private protected set; }

    /// <summary>The request's header; valid until the reply is returned.</summary>
    public ReadOnlySpan<byte> Header => HeaderMemory.Span;

    /// <summary>The same as memory, for handlers that parse after a wait.</summary>
    public abstract ReadOnlyMemory<byte> HeaderMemory { get; }

    /// <summary>Bytes of the request's payload.</summary>
    public int PayloadLength { get; private protected set; }

    /// <summary>Where the payload was put, exactly <see cref="PayloadLength"/> bytes or more, payload first.</summary>
    public IoSlices Payload { get; private set; }

    /// <summary>Most payload bytes that the caller can take back.</summary>
    public int ReceiveCapacity { get; private protected set; }

    /// <summary>What is left of the time the caller waits; zero or less when it has given up.</summary>
    public abstract TimeSpan TimeLeft { get; }

    /// <summary>Nobody waits for the answer any more: work that has not begun need not begin.</summary>
    public bool IsAbandoned => Connection.IsClosed || TimeLeft <= TimeSpan.Zero;

    /// <summary>
    /// Memory for at least <paramref name="size"/> bytes of response header, at most <see
    /// cref="TransportLimits.MaxHeader"/>; asking again discards what was written.
    /// </summary>
    public abstract Span<byte> ResponseHeader(int size);

    /// <summary>
    /// Names the payload's destination: at least <see cref="PayloadLength"/> bytes. <paramref name="owner"/> is
    /// disposed when the request is over, whatever happens.
    /// </summary>
    public void ReceiveInto(IoSlices destination, IDisposable? owner)
    {
        Invariant.Check(destination.TotalLength >= PayloadLength, "the destination holds the payload");
        Invariant.Check(_payloadOwner is null && Payload.Count == 0, "a destination is named once");
        Payload = destination;
        _payloadOwner = owner;
    }

    /// <summary>
    /// What the caller offered decides how long an answer may be, so a longer one is the caller's mistake.
    /// </summary>
    private protected Reply Checked(in Reply reply) => reply.Payload.TotalLength <= ReceiveCapacity
        ? reply
        : new Status(StatusCode.InvalidArgument, $"the answer has {reply.Payload.TotalLength} bytes, the caller takes {ReceiveCapacity}");

    private protected void ReleasePayload()
    {
        Payload = default;
        var owner = _payloadOwner;
        _payloadOwner = null;
        owner?.Dispose();
    }
}
