using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Io.Sockets;
using ThreeFs.Transport.Frames;

namespace ThreeFs.Transport.Tcp;

/// <summary>The server's end over TCP.</summary>
internal sealed class TcpServerConnection : FramedServerConnection, IFrameSink, IFrameSenderHost
{
    private readonly StreamSocket _socket;
    private readonly FrameReader _reader;
    private readonly FrameSender _sender;
    private readonly Lock _lock = new();
    private FramedRequest? _receiving;
    private bool _stopped;
    private bool _readerDone;
    private bool _isClosed;

    public TcpServerConnection(StreamSocket socket, TcpListener listener, ServerConnection identity)
        : base(socket.Reactor, listener, identity)
    {
        _socket = socket;
        _reader = new FrameReader(socket, FrameKind.Request, this);
        _sender = new FrameSender(socket, _lock, this);
    }

    public override void Open()
    {
        Opened();
        FrameReader.Run(_reader);
    }

    public Status FrameArrived(in FrameHeader header, ReadOnlySpan<byte> variable, out IoSlices destination)
    {
        _receiving = Begin(header, variable);
        destination = _receiving?.Payload ?? default;
        return Status.Ok;
    }

    public void PayloadArrived()
    {
        var request = _receiving!;
        _receiving = null;
        Run(request);
    }

    public void PayloadAbandoned() => throw Invariant.Unreachable("a server gives no payload up");

    public override void Send(OutgoingFrame frame)
    {
        bool hasBaton;
        lock (_lock)
        {
            if (_stopped) hasBaton = false;
            else hasBaton = _sender.Enqueue(frame);
        }

        if (hasBaton) _sender.Run();
        else if (!frame.IsQueued) frame.Owner.FrameDone();
    }

    protected override void Resume() => _reader.Resume();

    protected override void Stop()
    {
        lock (_lock) _stopped = true;
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
        Closed();
    }
}
