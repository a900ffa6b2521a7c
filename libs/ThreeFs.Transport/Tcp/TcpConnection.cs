using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Io.Linux;
using ThreeFs.Io.Sockets;
using ThreeFs.Transport.Frames;

namespace ThreeFs.Transport.Tcp;

/// <summary>The client's end over TCP.</summary>
/// <remarks>
/// A call never completes while the kernel may still touch its memory:
/// <list type="bullet">
/// <item>a deadline while its answer is being received cancels that receive first;</item>
/// <item>a deadline while its request is stuck half-sent breaks the connection, for a frame cannot be left unfinished
/// and a peer that takes nothing for so long is of no use;</item>
/// <item>a cancellation in that place waits until the request is sent.</item>
/// </list>
/// </remarks>
internal sealed class TcpConnection : FramedConnection, IFrameSink, IFrameSenderHost
{
    private readonly StreamSocket _socket;
    private readonly FrameSender _sender;
    private readonly FrameReader _reader;
    private ClientCall? _receiving;
    private ClientCall? _givenUp; // its payload's receive is being cancelled
    private StatusCode _givenUpFor;
    private bool _readerDone;

    public TcpConnection(StreamSocket socket, Endpoint remote, TransportOptions options)
        : base(socket.Reactor, remote, options)
    {
        _socket = socket;
        _sender = new FrameSender(socket, Lock, this);
        _reader = new FrameReader(socket, FrameKind.Response, this);
    }

    public bool IsFull => false;

    /// <summary>Starts reading. Reactor's thread, once.</summary>
    public void Open() => FrameReader.Run(_reader);

    protected override bool Enqueue(OutgoingFrame frame) => _sender.Enqueue(frame);

    protected override void Flush() => _sender.Run();

    protected override void GiveUp(ClientCall call, StatusCode code)
    {
        if (_receiving == call)
        {
            _receiving = null;
            _givenUp = call;
            _givenUpFor = code;
            _reader.AbandonPayload();
            return;
        }

        if (_givenUp == call)
        {
            _reader.AbandonAgain();
            return;
        }

        // Looked at before: once its frame is done, a settled call completes and may be used for another.
        var hadOutcome = call.IsSettled;
        if (code == StatusCode.DeadlineExceeded && _sender.IsStuckWith(call.Frame))
            Break(new Status(StatusCode.ConnectionLost, $"{Remote} took no bytes until a call's deadline"));
        if (_sender.TryWithdraw(call.Frame)) call.FrameDone();
        if (!hadOutcome) call.SettleFailed(code);
    }

    public void PayloadAbandoned()
    {
        var call = _givenUp!;
        _givenUp = null;
        call.SettleFailed(_givenUpFor);
    }

    public Status FrameArrived(in FrameHeader header, ReadOnlySpan<byte> variable, out IoSlices destination)
    {
        var status = TakeAnswer(header, variable, out _receiving);
        destination = _receiving?.ReceivePayload ?? default;
        return status;
    }

    public void PayloadArrived()
    {
        var call = _receiving!;
        _receiving = null;
        call.SettleAnswered();
    }

    protected override void Stop()
    {
        _socket.Abort();
        _reader.Stop();
        _sender.Close();
        TryClose();
    }

    public void ReaderFinished(Status reason)
    {
        _readerDone = true;
        Break(new Status(reason.Code, $"connection to {Remote}: {reason.Message}"));
        TryClose();
    }

    /// <summary>Any thread.</summary>
    public void SendFailed(int errno)
    {
        var reason = new Status(StatusCode.ConnectionLost, $"send to {Remote}: {Errno.Describe(errno)}");
        if (Reactor.IsCurrent) Break(reason);
        else PostBreak(reason);
    }

    /// <summary>Any thread.</summary>
    public void SenderFinished()
    {
        if (Reactor.IsCurrent) TryClose();
        else Reactor.Post(static state => ((TcpConnection)state!).TryClose(), this);
    }

    private void TryClose()
    {
        if (IsClosed || !_readerDone || !_sender.IsFinished) return;
        _socket.Dispose();
        _receiving = null;
        Close();
    }
}
