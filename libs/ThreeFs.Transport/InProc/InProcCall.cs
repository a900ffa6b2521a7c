using ThreeFs.Base;
using ThreeFs.Base.Memory;

namespace ThreeFs.Transport.InProc;

/// <summary>One call in flight. Everything after <see cref="Start"/> happens in steps of the schedule.</summary>
internal sealed class InProcCall
{
    private readonly InProcConnection _connection;
    private readonly TaskCompletionSource<CallResult> _result = new();
    private readonly IoSlices _receive;
    private CancellationTokenRegistration _registration;
    private ITimer? _timer;
    private bool _isSettled;

    public InProcCall(InProcConnection connection, in Call call, long number)
    {
        _connection = connection;
        Number = number;
        Method = call.Method;
        Header = call.Header.ToArray();
        Send = call.SendPayload;
        _receive = call.ReceivePayload;
        Timeout = call.Timeout > TimeSpan.Zero ? call.Timeout : connection.Transport.Options.DefaultTimeout;
        if (Timeout > TransportLimits.MaxTimeout) Timeout = TransportLimits.MaxTimeout;
    }

    public long Number { get; }

    public ushort Method { get; }

    public byte[] Header { get; }

    public IoSlices Send { get; }

    public TimeSpan Timeout { get; }

    public int ReceiveCapacity => (int)_receive.TotalLength;

    public Task<CallResult> Task => _result.Task;

    public void Start(CancellationToken ct)
    {
        // Armed before the request leaves: afterwards the call may be over already.
        _timer = _connection.Transport.Time.CreateTimer(
            static state => ((InProcCall)state!).SettleLater(StatusCode.DeadlineExceeded), this, Timeout, System.Threading.Timeout.InfiniteTimeSpan);
        _registration = ct.UnsafeRegister(static state => ((InProcCall)state!).SettleLater(StatusCode.Cancelled), this);
        _connection.Transport.Schedule(static state => ((InProcCall)state!).Arrive(), this);
    }

    private void SettleLater(StatusCode code) => _connection.Transport.Schedule(static state =>
    {
        var (call, code) = ((InProcCall, StatusCode))state!;
        call.Settle(code);
    }, (this, code));

    /// <summary>At the server; not when nobody waits any more.</summary>
    private void Arrive()
    {
        if (!_isSettled) new InProcRequest(_connection, this).Begin();
    }

    /// <summary>Takes the answer, unless the call is over: then it touches nothing.</summary>
    public void Answer(in Reply reply, byte[] header)
    {
        if (_isSettled) return;
        var at = 0L;
        for (var i = 0; i < reply.Payload.Count; i++)
        {
            _receive.CopyFrom(at, reply.Payload[i].Span);
            at += reply.Payload[i].Length;
        }

        Finish(new CallResult(reply.Status, header, (int)reply.Payload.TotalLength));
    }

    public void Settle(Status status)
    {
        if (!_isSettled) Finish(new CallResult(status));
    }

    private void Finish(CallResult result)
    {
        _isSettled = true;
        _timer?.Dispose();
        _registration.Unregister();
        _connection.Remove(this);
        _result.SetResult(result);
    }
}
