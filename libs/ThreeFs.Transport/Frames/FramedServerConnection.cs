using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Io;

namespace ThreeFs.Transport.Frames;

/// <summary>
/// The server's end of a connection that carries frames. All on the reactor's thread. How frames travel is the
/// transport's. At its limit of requests it takes no more, so the peer is held back and memory is bounded.
/// </summary>
internal abstract class FramedServerConnection : IAcceptedConnection
{
    private readonly SocketedListener _listener;
    private readonly Stack<FramedRequest> _idle = new();
    private Status _refusal;
    private int _inFlight;

    protected FramedServerConnection(Reactor reactor, SocketedListener listener, ServerConnection identity)
    {
        Reactor = reactor;
        _listener = listener;
        Public = identity;
    }

    public ServerConnection Public { get; }

    public Reactor Reactor { get; }

    public bool IsFull => _inFlight >= _listener.Options.MaxInFlight;

    protected bool IsBroken { get; private set; }

    /// <summary>Starts receiving. Once.</summary>
    public abstract void Open();

    /// <summary>Sends a sealed frame, or tells its owner that it is done when nobody is there any more.</summary>
    public abstract void Send(OutgoingFrame frame);

    /// <summary>Puts an answer's payload where the transport sends it from; false when there is no room.</summary>
    public virtual bool TryPlace(OutgoingFrame frame, in IoSlices payload) => true;

    /// <summary>There is room for requests again.</summary>
    protected abstract void Resume();

    /// <summary>
    /// The connection broke: stop sending and receiving, and call <see cref="Closed"/> once no memory of requests is
    /// held.
    /// </summary>
    protected abstract void Stop();

    protected void Opened() => _listener.Handler.ConnectionOpened(Public);

    /// <summary>
    /// A request's headers. It runs at once when it has no payload or is refused; otherwise it waits for its payload
    /// (<see cref="Run"/>).
    /// </summary>
    protected FramedRequest? Begin(in FrameHeader header, ReadOnlySpan<byte> variable)
    {
        _inFlight++;
        _listener.Requests.Began();
        var request = _idle.TryPop(out var idle) ? idle : new FramedRequest(this);
        request.Begin(header, variable);
        _refusal = _listener.Requests.IsDraining ? new Status(StatusCode.Unavailable, "the server is stopping") : Status.Ok;
        if (header.PayloadLength > 0 && _refusal.IsOk) _refusal = Accept(request);
        if (header.PayloadLength == 0 || !_refusal.IsOk)
        {
            // The answer to a refused one goes out now, while the payload is still being drained.
            Run(request);
            return null;
        }

        Invariant.Check(request.Payload.TotalLength >= header.PayloadLength, "an accepted payload has a destination");
        return request;
    }

    private Status Accept(FramedRequest request)
    {
        try
        {
            return _listener.Handler.Accept(request);
        }
        catch (Exception e) when (e is not InvariantException)
        {
            Report(e);
            return new Status(StatusCode.Internal, "the server failed on this request");
        }
    }

    protected void Run(FramedRequest request)
    {
        if (_refusal.IsOk) request.Handle(_listener.Handler);
        else request.Answer(_refusal);
    }

    public void RequestDone(FramedRequest request)
    {
        _listener.Requests.Ended();
        _idle.Push(request);
        if (_inFlight-- == _listener.Options.MaxInFlight) Resume();
    }

    public void Report(Exception e) => _listener.Options.HandlerFailed?.Invoke(Public, e);

    public void Break(Status reason)
    {
        if (IsBroken) return;
        IsBroken = true;
        Public.IsClosed = true;
        ConnectionEnded(reason);
        Stop();
    }

    protected virtual void ConnectionEnded(Status reason) => _listener.Handler.ConnectionClosed(Public, reason);

    protected void Closed() => _listener.Closed(this);
}
