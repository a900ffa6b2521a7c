using ThreeFs.Base;
using ThreeFs.Base.Memory;

namespace ThreeFs.Transport;

/// <summary>
/// What the server answers. The header's bytes are those the handler wrote into <see
/// cref="ServerRequest.ResponseHeader"/>. A failure's message travels to the caller's <see cref="Status.Message"/> when
/// the header is empty.
/// </summary>
public readonly struct Reply
{
    public Status Status { get; init; }

    /// <summary>Bytes written into <see cref="ServerRequest.ResponseHeader"/>.</summary>
    public int HeaderLength { get; init; }

    /// <summary>
    /// At most <see cref="ServerRequest.ReceiveCapacity"/> bytes; must stay valid until the owner is disposed.
    /// </summary>
    public IoSlices Payload { get; init; }

    /// <summary>Disposed on the reactor thread once the payload was sent, or will never be.</summary>
    public IDisposable? PayloadOwner { get; init; }

    public static implicit operator Reply(Status status) => new() { Status = status };
    public static implicit operator Reply(StatusCode code) => new() { Status = code };
}
