using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Io;
using ThreeFs.Io.SharedMemory;
using ThreeFs.Io.Sockets;
using ThreeFs.Transport.Frames;

namespace ThreeFs.Transport.SharedMemory;

/// <summary>
/// The server's end over shared memory. A request's payload is copied out of the client's memory before anybody looks
/// at it, for it may change at any time; an answer's is read by the client where the handler has put it, when that is
/// in the arena.
/// </summary>
internal sealed class SharedServerConnection : FramedServerConnection, ISharedEnd
{
    private readonly UnixSocket _socket;
    private readonly PayloadPlacer _placer;
    private readonly TransportOptions _options;
    private readonly Lock _lock = new();
    private SharedPort? _port;

    public SharedServerConnection(
        Reactor reactor, UnixSocket socket, SharedListener listener, ServerConnection identity, PayloadPlacer placer)
        : base(reactor, listener, identity)
    {
        _socket = socket;
        _placer = placer;
        _options = listener.Options;
    }

    public FrameKind Expected => FrameKind.Request;

    public override async void Open()
    {
        // Sharing memory with a peer that says nothing is given up like a connection that is never made.
        using (var limit = new CancellationTokenSource(_options.ConnectTimeout, Reactor.Time))
        using (limit.Token.UnsafeRegister(static state => ((UnixSocket)state!).Abort(), _socket))
        {
            var received = await _socket.ReceiveAsync();
            if (received > 0 && !IsBroken) Share();
        }

        if (_port is not null)
        {
            Opened();
            _port.Open();
            return;
        }

        Break(new Status(StatusCode.ConnectFailed, "no memory is shared"));
        _socket.Dispose();
        Closed();
    }

    private void Share()
    {
        if (!Handshake.MayShare(_socket.PeerUser, isServer: false))
        {
            Handshake.SendRefusal(_socket, $"it shares memory with user {UnixSocket.OwnUser} and root, not with user {_socket.PeerUser}");
            return;
        }

        var status = Map(out var link);
        if (status.IsOk) _port = new SharedPort(_socket, link!, _lock, this, _options.SilenceLimit);
        else Handshake.SendRefusal(_socket, status.Message ?? status.Code.ToString());
    }

    private Status Map(out SharedLink? link)
    {
        link = null;
        var created = SharedLink.CreateOutbox();
        if (!created.TryGet(out var outbox)) return created.Status;
        using (outbox)
        {
            var shared = Handshake.TakeOffer(_socket, outbox);
            if (!shared.TryGet(out link)) return shared.Status;
            if (Handshake.SendOffer(_socket, outbox, _placer.Arena) == 0) return Status.Ok;
            link.Dispose();
            return StatusCode.ConnectionLost;
        }
    }

    public Status Arrived(SharedLink link, in FrameHeader header, ReadOnlySpan<byte> variable)
    {
        if (Begin(header, variable) is not { } request) return Status.Ok;
        if (link.TryCopyPayload(request.Payload))
        {
            Run(request);
            return Status.Ok;
        }

        request.Abandon();
        return new Status(StatusCode.ConnectionLost, "the peer closed");
    }

    public override bool TryPlace(OutgoingFrame frame, in IoSlices payload)
    {
        if (IsBroken) return true;
        var isPlaced = _placer.TryPlace(payload, out var place);
        frame.Place = place;
        return isPlaced;
    }

    public override void Send(OutgoingFrame frame)
    {
        if (IsBroken)
        {
            frame.Place?.Dispose();
            frame.Place = null;
            frame.Owner.FrameDone();
            return;
        }

        bool isDone;
        lock (_lock) isDone = _port!.Enqueue(frame);
        _port.Flush();
        if (isDone) frame.Owner.FrameDone();
    }

    protected override void Resume() => _port!.Resume();

    protected override void ConnectionEnded(Status reason)
    {
        if (_port is not null) base.ConnectionEnded(reason);
    }

    public void Failed(Status reason) => Break(reason);

    protected override void Stop()
    {
        if (_port is null) _socket.Abort();
        else _port.Stop();
    }

    public void PortClosed() => Closed();
}
