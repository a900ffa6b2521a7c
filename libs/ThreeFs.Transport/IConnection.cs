using ThreeFs.Base;

namespace ThreeFs.Transport;

/// <summary>
/// The client's end of a connection. Many calls may be in flight; answers come in any order. Calls may be started on
/// any thread; they complete <b>inline on the connection's reactor thread</b>, so what follows the await must not block
/// there.
/// </summary>
/// <remarks>
/// What a caller may rely on, whichever transport:
/// <list type="bullet">
/// <item>A call completes exactly once, always with a status, never with an exception (except for a caller's own
/// defect).</item>
/// <item>When it has completed, the transport holds none of its memory: nothing is sent from the send slices and
/// nothing is written into the receive slices afterwards, also after a deadline or a cancellation. A late response is
/// drained.</item>
/// <item>Which bytes of the receive slices were overwritten by a failed call is undefined.</item>
/// <item><see cref="StatusCode.Overloaded"/>: too many calls are in flight here, nothing was sent.</item>
/// <item><see cref="StatusCode.ConnectionLost"/>, <see cref="StatusCode.DeadlineExceeded"/>, <see
/// cref="StatusCode.Cancelled"/>: the server may have executed the request, now or later.</item>
/// </list>
/// Reconnecting is the caller's policy: a broken connection stays broken.
/// </remarks>
public interface IConnection : IAsyncDisposable
{
    Endpoint Remote { get; }

    /// <summary>No call can succeed any more; open another connection.</summary>
    bool IsBroken { get; }

    /// <summary>Why it broke; Ok while it is usable.</summary>
    Status CloseReason { get; }

    /// <summary>Calls not yet completed.</summary>
    int InFlight { get; }

    /// <summary>
    /// Files that the server can name and this process can read by itself, because both are on one host; null when they cannot
    /// now.
    /// </summary>
    ILocalFiles? LocalFiles => null;

    /// <summary>Sends a request and completes with its answer.</summary>
    ValueTask<CallResult> CallAsync(in Call call, CancellationToken ct = default);

    /// <summary>
    /// Registers what to do once the connection is closed or broken: called once, on the reactor thread, after every
    /// call in flight was completed; at once when that has already happened.
    /// </summary>
    void OnClosed(Action<Status> observer);
}
