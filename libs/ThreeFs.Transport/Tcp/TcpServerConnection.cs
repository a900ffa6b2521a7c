using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Io;
using ThreeFs.Io.Sockets;
using ThreeFs.Transport.Frames;

namespace ThreeFs.Transport.Tcp;

/// <summary>
/// One peer of a listener; everything here runs on the connection's reactor. At most a fixed number of requests is
/// between arrival and sent answer: then nothing more is read, and the peer's window closes by itself.
/// </summary>
internal sealed class TcpServerConnection : IFrameSink, IFrameSenderHost
{
    private readonly StreamSocket _socket;
    private readonly TcpListener _listener;
    private readonly FrameReader _reader;
    private readonly FrameSender _sender;
    private readonly Lock _lock = new();
    private readonly Stack<TcpServerRequest> _idle = new();
    private TcpServerRequest? _receiving;
    private Status _refusal;
    private int _inFlight;
    private bool _broken;
    private bool _readerDone;
    private bool _isClosed;

    public TcpServerConnection(StreamSocket socket, TcpListener listener, ServerConnection identity)
    {
        _socket = socket;
        _listener = listener;
        Public = identity;
        _reader = new FrameReader(socket, FrameKind.Request, this);
        _sender = new FrameSender(socket, _lock, this);
    }

    public ServerConnection Public { get; }

    public Reactor Reactor => _socket.Reactor;

    public bool IsFull => _inFlight >= _listener.Options.MaxInFlight;

    public void Open()
    {
        _listener.Handler.ConnectionOpened(Public);
        FrameReader.Run(_reader);
    }

    public Status FrameArrived(in FrameHeader header, ReadOnlySpan<byte> variable, out IoSlices destination)
    {
        destination = default;
        _inFlight++;
        _listener.Requests.Began();
        var request = _idle.TryPop(out var idle) ? idle : new TcpServerRequest(this);
        request.Begin(header, variable);
        _refusal = _listener.Requests.IsDraining ? new Status(StatusCode.Unavailable, "the server is stopping") : Status.Ok;
        if (header.PayloadLength == 0)
        {
            Run(request);
            return Status.Ok;
        }

        if (_refusal.IsOk) _refusal = Accept(request);
        if (!_refusal.IsOk)
        {
            // The answer goes out now, while the payload is still being drained.
            Run(request);
            return Status.Ok;
        }

        Invariant.Check(request.Payload.TotalLength >= header.PayloadLength, "an accepted payload has a destination");
        _receiving = request;
        destination = request.Payload;
        return Status.Ok;
    }

    private Status Accept(TcpServerRequest request)
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

    public void PayloadArrived()
    {
        var request = _receiving!;
        _receiving = null;
        Run(request);
    }

    public void PayloadAbandoned() => throw Invariant.Unreachable("a server gives no payload up");

    private void Run(TcpServerRequest request)
    {
        if (_refusal.IsOk) request.Handle(_listener.Handler);
        else request.Answer(_refusal);
    }

    public void Send(OutgoingFrame frame)
    {
        bool hasBaton;
        lock (_lock)
        {
            if (_broken) hasBaton = false;
            else hasBaton = _sender.Enqueue(frame);
        }

        if (hasBaton) _sender.Run();
        else if (!frame.IsQueued) frame.Owner.FrameDone();
    }

    public void RequestDone(TcpServerRequest request)
    {
        _listener.Requests.Ended();
        _idle.Push(request);
        if (_inFlight-- == _listener.Options.MaxInFlight) _reader.Resume();
    }

    public void Report(Exception e) => _listener.Options.HandlerFailed?.Invoke(Public, e);

    public void Break(Status reason)
    {
        if (_broken) return;
        lock (_lock) _broken = true;
        Public.IsClosed = true;
        _listener.Handler.ConnectionClosed(Public, reason);
        _socket.Abort();
        _reader.Stop();
        _sender.Close();
        TryClose();
    }

    public void ReaderFinished(Status reason)
    {
        _readerDone = true;
        var request = _receiving;
        _receiving = null;
        request?.Abandon();
        Break(reason);
        TryClose();
    }

    public void SendFailed(int errno) => Break(new Status(StatusCode.ConnectionLost, Io.Linux.Errno.Describe(errno)));

    public void SenderFinished() => TryClose();

    private void TryClose()
    {
        if (_isClosed || !_readerDone || !_sender.IsFinished) return;
        _isClosed = true;
        _socket.Dispose();
        _listener.Closed(this);
    }
}
