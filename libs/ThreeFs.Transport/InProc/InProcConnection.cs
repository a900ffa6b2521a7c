using ThreeFs.Base;

namespace ThreeFs.Transport.InProc;

/// <summary>
/// Both ends of one connection. The count of calls, the reason of the end and the observers are under the lock, because
/// calls start anywhere; everything else happens in the steps of the schedule, one at a time.
/// </summary>
internal sealed class InProcConnection : IConnection
{
    private readonly Lock _lock = new();
    private readonly HashSet<InProcCall> _calls = [];
    private readonly TaskCompletionSource _closed = new();
    private List<Action<Status>>? _observers = [];
    private Status _closeReason;
    private long _nextCall;

    public InProcConnection(InProcTransport transport, InProcListener listener, ServerConnection identity)
    {
        Transport = transport;
        Listener = listener;
        Public = identity;
    }

    public InProcTransport Transport { get; }

    public InProcListener Listener { get; }

    public ServerConnection Public { get; }

    public Endpoint Remote => Listener.Endpoint;

    public bool IsBroken => !CloseReason.IsOk;

    public Status CloseReason
    {
        get
        {
            lock (_lock) return _closeReason;
        }
    }

    public int InFlight
    {
        get
        {
            lock (_lock) return _calls.Count;
        }
    }

    public ValueTask<CallResult> CallAsync(in Call call, CancellationToken ct = default)
    {
        Invariant.Check(call.Header.Length <= TransportLimits.MaxHeader, "a header has at most 64 KiB");
        Invariant.Check(call.SendPayload.TotalLength <= TransportLimits.MaxPayload, "a payload has at most 65 MiB");
        Invariant.Check(call.ReceivePayload.TotalLength <= TransportLimits.MaxPayload, "an answer has at most 65 MiB");
        if (ct.IsCancellationRequested) return new(new CallResult(StatusCode.Cancelled));
        InProcCall started;
        lock (_lock)
        {
            if (!_closeReason.IsOk) return new(new CallResult(new Status(StatusCode.ConnectionLost, _closeReason.Message)));
            if (_calls.Count >= Transport.Options.MaxInFlight) return new(new CallResult(StatusCode.Overloaded));
            started = new InProcCall(this, call, _nextCall++);
            _calls.Add(started);
        }

        started.Start(ct);
        return new ValueTask<CallResult>(started.Task);
    }

    /// <summary>The call has an outcome and leaves.</summary>
    public void Remove(InProcCall call)
    {
        lock (_lock) _calls.Remove(call);
    }

    public void Opened() => Listener.Handler.ConnectionOpened(Public);

    /// <summary>Ends the connection in a step of its own.</summary>
    public async ValueTask CloseAsync(Status reason)
    {
        Transport.Schedule(static state =>
        {
            var (connection, reason) = ((InProcConnection, Status))state!;
            connection.Close(reason);
        }, (this, reason));
        await _closed.Task;
    }

    private void Close(Status reason)
    {
        InProcCall[] lost;
        lock (_lock)
        {
            if (!_closeReason.IsOk) return;
            _closeReason = reason;

            // In the order they were started, so that a run can be repeated.
            lost = [.. _calls.OrderBy(call => call.Number)];
        }

        Public.IsClosed = true;
        foreach (var call in lost) call.Settle(new Status(StatusCode.ConnectionLost, reason.Message));
        Listener.Handler.ConnectionClosed(Public, reason);
        Listener.Closed(this);
        List<Action<Status>> observers;
        lock (_lock)
        {
            observers = _observers!;
            _observers = null;
        }

        foreach (var observer in observers) observer(reason);
        _closed.SetResult();
    }

    public void OnClosed(Action<Status> observer)
    {
        lock (_lock)
        {
            if (_observers is not null)
            {
                _observers.Add(observer);
                return;
            }
        }

        observer(CloseReason);
    }

    public ValueTask DisposeAsync() =>
        CloseAsync(new Status(StatusCode.Cancelled, $"connection to {Remote} was closed here"));
}
