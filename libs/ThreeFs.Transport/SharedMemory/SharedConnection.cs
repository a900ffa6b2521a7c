using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Io.Sockets;
using ThreeFs.Transport.Frames;

namespace ThreeFs.Transport.SharedMemory;

/// <summary>The client's end over shared memory.</summary>
/// <remarks>
/// The server never touches the caller's memory: a payload is copied into the arena, or lies in it and is only read.
/// A deadline therefore completes a call at once; the copy waits for the server, or for the end. Only a payload that
/// lies in the arena itself may not be given back while the server may still read it: a deadline then ends the
/// connection, a cancellation waits.
/// </remarks>
internal sealed class SharedConnection : FramedConnection, ISharedEnd
{
    private readonly PayloadPlacer _placer;
    private readonly SharedPort _port;
    private readonly OpenLocalFiles _files;

    public SharedConnection(UnixSocket socket, SharedLink link, Endpoint remote, PayloadPlacer placer, TransportOptions options)
        : base(socket.Reactor, remote, options)
    {
        _placer = placer;
        _port = new SharedPort(socket, link, Lock, this, options.SilenceLimit);
        _files = new OpenLocalFiles(socket.Reactor, _port);
    }

    public FrameKind Expected => FrameKind.Response;

    public bool IsFull => false;

    public override ILocalFiles? LocalFiles => _files.IsUsable ? _files : null;

    public void Open() => _port.Open();

    protected override bool TryPlace(in IoSlices payload, out PayloadPlace? place) => _placer.TryPlace(payload, out place);

    protected override bool Enqueue(OutgoingFrame frame)
    {
        // Its outcome comes on the reactor's thread only, so on that thread there is none yet, and on others
        // completing is posted.
        if (_port.Enqueue(frame)) frame.Owner.FrameDone();
        return true;
    }

    protected override void Flush() => _port.Flush();

    public Status Arrived(SharedLink link, in FrameHeader header, ReadOnlySpan<byte> variable)
    {
        var status = TakeAnswer(header, variable, out var call);
        if (call is null) return status;
        if (!link.TryCopyPayload(call.ReceivePayload)) return new Status(StatusCode.ConnectionLost, "the peer closed");
        call.SettleAnswered();
        return Status.Ok;
    }

    protected override void GiveUp(ClientCall call, StatusCode code)
    {
        var hadOutcome = call.IsSettled;
        bool isWithdrawn;
        bool isHeld;
        lock (Lock)
        {
            isWithdrawn = _port.TryWithdraw(call.Frame);
            isHeld = call.Frame.IsInBatch;
        }

        if (isWithdrawn) call.FrameDone();
        if (isHeld && code == StatusCode.DeadlineExceeded)
            Break(new Status(StatusCode.ConnectionLost, $"{Remote} did not take a request until its deadline"));
        if (!hadOutcome) call.SettleFailed(code);
    }

    public void Failed(Status reason) => Break(new Status(reason.Code, $"connection to {Remote}: {reason.Message}"));

    protected override void Stop() => _port.Stop();

    public void PortClosed()
    {
        _files.Close();
        Close();
    }
}
