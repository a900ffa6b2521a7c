using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Sim.World;
using ThreeFs.Transport;

namespace ThreeFs.Sim.Network;

/// <summary>
/// One connection. It breaks when either process dies, when a fault resets it, or when somebody closes it; what was under way to the
/// server may then still arrive there and be executed, answered to nobody.
/// </summary>
internal sealed class SimConnection : IConnection
{
    private const int MaxInFlight = 1024;
    private static readonly TimeSpan _defaultTimeout = TimeSpan.FromSeconds(30);

    private readonly SimNetwork _network;
    private readonly SimProcess _client;
    private readonly SimNetwork.SimStream _there;
    private readonly SimNetwork.SimStream _back;
    private readonly List<SimCall> _calls = [];
    private List<Action<Status>>? _observers = [];
    private Status _closeReason;

    public SimConnection(
        SimNetwork network, SimProcess client, SimListener listener, SimNetwork.SimStream there, SimNetwork.SimStream back)
    {
        (_network, _client, Listener, _there, _back) = (network, client, listener, there, back);
        Peer = new ServerConnection(network.NextConnection(), client.Name);
        network.Connections.Add(this);
        client.Died += ClientDied;
        listener.Process.Died += ServerDied;
    }

    public SimListener Listener { get; }

    /// <summary>The server's view.</summary>
    public ServerConnection Peer { get; }

    public string ClientHost => _client.Host.Name;

    public Endpoint Remote => Listener.Endpoint;

    public bool IsBroken => !_closeReason.IsOk;

    public Status CloseReason => _closeReason;

    public int InFlight => _calls.Count;

    public ValueTask<CallResult> CallAsync(in Call call, CancellationToken ct = default)
    {
        if (ct.IsCancellationRequested) return new(new CallResult(StatusCode.Cancelled));
        if (IsBroken) return new(new CallResult(new Status(StatusCode.ConnectionLost, _closeReason.Message)));
        if (_calls.Count >= MaxInFlight) return new(new CallResult(StatusCode.Overloaded));
        var started = new SimCall(this, call, call.Timeout > TimeSpan.Zero ? call.Timeout : _defaultTimeout);
        _calls.Add(started);
        started.Arm(_client.Time, ct);
        _there.Send(Listener.Process, request => ((SimCall)request!).Arrive(), started);
        return new ValueTask<CallResult>(started.Task);
    }

    public void OnClosed(Action<Status> observer)
    {
        if (_observers is { } open) open.Add(observer);
        else observer(_closeReason);
    }

    public ValueTask DisposeAsync()
    {
        Break(new Status(StatusCode.Cancelled, $"connection to {Remote} was closed here"));
        return default;
    }

    /// <summary>Both ends see it break; what is on the way to the server sometimes still gets there.</summary>
    public void Reset(string why)
    {
        if (IsBroken) return;
        if (_network.World.Random.NextBool(0.5)) _there.Kill();
        _client.Enter(_ => Break(new Status(StatusCode.ConnectionLost, $"connection to {Remote}: {why}")), null);
    }

    internal void Remove(SimCall call) => _calls.Remove(call);

    internal void Answer(SimCall call, Reply reply, byte[] header)
    {
        var payload = new byte[reply.Payload.TotalLength];
        reply.Payload.CopyTo(0, payload);
        _back.Send(_client, _ => call.Answer(reply.Status, header, payload), null);
    }

    private void Break(Status reason)
    {
        if (IsBroken) return;
        _closeReason = reason;
        _back.Kill();
        _network.Connections.Remove(this);
        _client.Died -= ClientDied;
        Listener.Process.Died -= ServerDied;
        foreach (var call in _calls.ToArray()) call.Settle(new Status(StatusCode.ConnectionLost, reason.Message));
        var observers = _observers!;
        _observers = null;
        foreach (var observer in observers) observer(reason);
        _network.World.After(TimeSpan.FromMicroseconds(100), Listener.Process, _ =>
        {
            Peer.IsClosed = true;
            Listener.Handler.ConnectionClosed(Peer, reason);
        });
    }

    private void ServerDied()
    {
        _there.Kill();
        _network.World.After(
            TimeSpan.FromMicroseconds(100), _client, _ => Break(new Status(StatusCode.ConnectionLost, $"{Remote} is gone")));
    }

    private void ClientDied()
    {
        _network.Connections.Remove(this);
        Listener.Process.Died -= ServerDied;
        if (_network.World.Random.NextBool(0.5)) _there.Kill();
        _network.World.After(TimeSpan.FromMicroseconds(100), Listener.Process, _ =>
        {
            Peer.IsClosed = true;
            Listener.Handler.ConnectionClosed(Peer, new Status(StatusCode.ConnectionLost, "the peer is gone"));
        });
    }
}

/// <summary>One call, at the client; its arrival makes a request at the server.</summary>
internal sealed class SimCall
{
    private readonly SimConnection _connection;
    private readonly TaskCompletionSource<CallResult> _result = new();
    private readonly IoSlices _receive;
    private readonly byte[] _header;
    private readonly byte[] _payload;
    private ITimer? _timer;
    private CancellationTokenRegistration _registration;
    private bool _isDone;

    public SimCall(SimConnection connection, in Call call, TimeSpan timeout)
    {
        _connection = connection;
        Timeout = timeout;
        Method = call.Method;
        _header = call.Header.ToArray();
        _payload = new byte[call.SendPayload.TotalLength];
        call.SendPayload.CopyTo(0, _payload);
        _receive = call.ReceivePayload;
    }

    public ushort Method { get; }

    public byte[] Header => _header;

    public byte[] Payload => _payload;

    public TimeSpan Timeout { get; }

    public int ReceiveCapacity => (int)_receive.TotalLength;

    public Task<CallResult> Task => _result.Task;

    public void Arm(TimeProvider time, CancellationToken ct)
    {
        _timer = time.CreateTimer(
            static call => ((SimCall)call!).Settle(StatusCode.DeadlineExceeded), this, Timeout, System.Threading.Timeout.InfiniteTimeSpan);
        _registration = ct.UnsafeRegister(static call => ((SimCall)call!).Settle(StatusCode.Cancelled), this);
    }

    public void Arrive() => new SimRequest(_connection, this).Begin();

    public void Answer(Status status, byte[] header, byte[] payload)
    {
        if (_isDone) return;
        _receive.CopyFrom(0, payload);
        Finish(new CallResult(status, header, payload.Length));
    }

    public void Settle(Status status)
    {
        if (!_isDone) Finish(new CallResult(status));
    }

    private void Finish(CallResult result)
    {
        _isDone = true;
        _timer?.Dispose();
        _registration.Unregister();
        _connection.Remove(this);
        _result.SetResult(result);
    }
}

/// <summary>A request at the server, from its arrival to its answer.</summary>
internal sealed class SimRequest : ServerRequest
{
    private readonly SimConnection _connection;
    private readonly SimCall _call;
    private readonly TimeProvider _time;
    private readonly long _arrived;
    private byte[] _responseHeader = [];

    public SimRequest(SimConnection connection, SimCall call)
    {
        (_connection, _call) = (connection, call);
        _time = connection.Listener.Process.Time;
        _arrived = _time.GetTimestamp();
        Connection = connection.Peer;
        Method = call.Method;
        PayloadLength = call.Payload.Length;
        ReceiveCapacity = call.ReceiveCapacity;
    }

    public override ReadOnlyMemory<byte> HeaderMemory => _call.Header;

    public override TimeSpan TimeLeft => _call.Timeout - _time.GetElapsedTime(_arrived);

    public override Span<byte> ResponseHeader(int size) => _responseHeader = new byte[size];

    /// <summary>Runs the handler until its first real wait at once, as the contract says.</summary>
    public void Begin() => _ = RunAsync();

    private async Task RunAsync()
    {
        var listener = _connection.Listener;
        Status refusal = default;
        if (listener.IsClosed) refusal = new Status(StatusCode.Unavailable, "the server is stopping");
        else if (PayloadLength > 0) refusal = listener.Handler.Accept(this);
        if (!refusal.IsOk)
        {
            Answer(refusal);
            return;
        }

        if (PayloadLength > 0) Payload.CopyFrom(0, _call.Payload);
        Reply reply;
        try
        {
            reply = await listener.Handler.HandleAsync(this);
        }
        catch (Exception e)
        {
            listener.Process.Enter(_ => throw new SimFailure($"a handler broke: {e.Message}", e), null);
            return;
        }

        Answer(reply);
    }

    private void Answer(Reply reply)
    {
        var owner = reply.PayloadOwner;
        reply = Checked(reply);
        if (reply.HeaderLength > 0) reply = reply with { Status = reply.Status.Code };
        if (!Connection.IsClosed) _connection.Answer(_call, reply, _responseHeader[..reply.HeaderLength]);
        owner?.Dispose();
        ReleasePayload();
    }
}
