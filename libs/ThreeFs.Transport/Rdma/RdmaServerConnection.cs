using ThreeFs.Base;
using ThreeFs.Io;

namespace ThreeFs.Transport.Rdma;

/// <summary>
/// One peer of a listener; everything here runs on the connection's reactor. While as many requests as allowed are between
/// arrival and sent answer no message is taken, and the peer runs out of credits.
/// </summary>
internal sealed class RdmaServerConnection : IRdmaLinkHost, IAcceptedConnection
{
    private readonly RdmaListener _listener;
    private readonly RdmaSetup _setup;
    private readonly Stack<RdmaServerRequest> _idle = new();
    private readonly Dictionary<ulong, RdmaServerRequest> _requests = [];
    private RdmaLink? _link;

    public RdmaServerConnection(RdmaListener listener, Reactor reactor, RdmaSetup setup, ServerConnection identity)
    {
        _listener = listener;
        _setup = setup;
        Reactor = reactor;
        Public = identity;
    }

    public ServerConnection Public { get; }

    public Reactor Reactor { get; }

    /// <summary>There once a request is.</summary>
    public RdmaLink Link => _link!;

    public IServerHandler Handler => _listener.Handler;

    public RdmaTransport Transport => _listener.Transport;

    public bool IsFull => _requests.Count >= _listener.Options.MaxInFlight;

    /// <summary>
    /// Learns the peer's queue pair and tells ours. Whoever does not speak the protocol, or does not answer in time, is
    /// disconnected.
    /// </summary>
    public async void Open()
    {
        Result<RdmaHello> peer;
        using (Reactor.Time.CreateTimer(
            static state => ((RdmaSetup)state!).Abort(), _setup, _listener.Options.ConnectTimeout, Timeout.InfiniteTimeSpan))
        {
            peer = await _setup.ReceiveAsync();
        }

        var status = peer.TryGet(out var hello) ? Connect(hello) : peer.Status;
        if (status.IsOk) return;
        _setup.Close();
        _listener.Closed(this);
    }

    private Status Connect(in RdmaHello peer)
    {
        var opened = _listener.Transport.OpenLink(Reactor, _setup, RdmaDomain.Service, this);
        if (!opened.TryGet(out var link)) return opened.Status;
        var hello = link.Hello(_listener.Transport.NextPsn());
        var status = link.Connect(hello, peer);
        if (status.IsOk) status = _setup.Send(hello);
        if (!status.IsOk)
        {
            link.Discard();
            return status;
        }

        _link = link;
        Handler.ConnectionOpened(Public);
        _setup.Watch(() => Break(new Status(StatusCode.ConnectionLost, "the peer closed the connection")));
        return Status.Ok;
    }

    public void MessageArrived(ReadOnlySpan<byte> bytes)
    {
        var status = RdmaMessage.TryRead(bytes, out var message);
        if (status.IsOk)
        {
            status = message.Kind switch
            {
                RdmaMessageKind.Request => Admit(message, bytes),
                RdmaMessageKind.Cancel => Cancel(message),
                _ => new Status(StatusCode.ProtocolError, $"the peer sent a {message.Kind}"),
            };
        }

        if (!status.IsOk) Break(status);
    }

    private Status Admit(in RdmaMessage message, ReadOnlySpan<byte> bytes)
    {
        var request = _idle.TryPop(out var idle) ? idle : new RdmaServerRequest(this);
        if (!_requests.TryAdd(message.CallId, request))
        {
            _idle.Push(request);
            return new Status(StatusCode.ProtocolError, $"the peer used call id {message.CallId} twice");
        }

        _listener.Requests.Began();
        var status = request.Begin(message, bytes);
        if (!status.IsOk)
        {
            RequestDone(request);
            return status;
        }

        if (_listener.Requests.IsDraining) request.Answer(new Status(StatusCode.Unavailable, "the server is stopping"));
        else if (request.PayloadLength == 0) request.Handle();
        else AcceptPayload(request);
        return Status.Ok;
    }

    private void AcceptPayload(RdmaServerRequest request)
    {
        Status accepted;
        try
        {
            accepted = Handler.Accept(request);
        }
        catch (Exception e) when (e is not InvariantException)
        {
            Report(e);
            accepted = new Status(StatusCode.Internal, "the server failed on this request");
        }

        if (accepted.IsOk) request.Pull();
        else request.Answer(accepted);
    }

    /// <summary>Of a request that was answered meanwhile nothing is left to do.</summary>
    private Status Cancel(in RdmaMessage message)
    {
        if (_requests.TryGetValue(message.CallId, out var request)) request.Cancel();
        return Status.Ok;
    }

    public void RequestDone(RdmaServerRequest request)
    {
        var wasFull = IsFull;
        _requests.Remove(request.CallId);
        _idle.Push(request);
        _listener.Requests.Ended();
        if (wasFull && !Link.IsBroken) Link.Resume();
    }

    public void Report(Exception e) => _listener.Options.HandlerFailed?.Invoke(Public, e);

    public void Break(Status reason)
    {
        if (_link is not null) _link.Break(reason);
        else _setup.Abort();
    }

    public void LinkBroken(Status reason)
    {
        Public.IsClosed = true;
        _setup.Close();
        Handler.ConnectionClosed(Public, reason);
        _listener.Closed(this);
    }
}
