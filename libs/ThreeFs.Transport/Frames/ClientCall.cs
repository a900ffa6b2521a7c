using System.Text;
using System.Threading.Tasks.Sources;
using ThreeFs.Base;
using ThreeFs.Base.Memory;

namespace ThreeFs.Transport.Frames;

/// <summary>
/// One call in flight, reused. It is over when two things are: its frame is not needed by a sender any more, and there
/// is an outcome (an answer, a deadline, a cancellation, a broken connection). Only then does it complete, on the
/// reactor's thread, so the caller's memory is free when the caller continues.
/// </summary>
/// <remarks>
/// The frame's end may come from the sending thread, the outcome comes on the reactor's. <c>_send</c> joins them: each
/// side exchanges its mark in, and the one that finds the other's completes the call.
/// </remarks>
internal sealed class ClientCall : IValueTaskSource<CallResult>, IHeaderLease, IFrameOwner
{
    private const int SmallHeader = 512;

    private const int Sending = 0;
    private const int SendDone = 1;
    private const int OutcomeWaits = 2;

    private ManualResetValueTaskSourceCore<CallResult> _core;
    private CancellationTokenRegistration _registration;
    private byte[] _header = new byte[SmallHeader];
    private int _headerLength;
    private int _payloadLength;
    private Status _outcome;
    private int _send;

    public ClientCall(FramedConnection connection)
    {
        Owner = connection;
        Frame = new OutgoingFrame(this);
    }

    public FramedConnection Owner { get; }

    public OutgoingFrame Frame { get; }

    public ulong Id { get; private set; }

    public IoSlices ReceivePayload { get; private set; }

    /// <summary>Milliseconds on the connection's clock.</summary>
    public long Deadline { get; private set; }

    public CancellationToken Cancellation { get; private set; }

    /// <summary>There is an outcome: an answer that comes now is drained.</summary>
    public bool IsSettled { get; private set; }

    public ValueTask<CallResult> Task => new(this, _core.Version);

    /// <summary>Under the connection's lock, before the call can be seen by anybody.</summary>
    public void Begin(in Call call, ulong id, int timeout, long deadline, CancellationToken ct)
    {
        Id = id;
        Deadline = deadline;
        Cancellation = ct;
        ReceivePayload = call.ReceivePayload;
        IsSettled = false;
        _send = Sending;
        _headerLength = 0;
        _payloadLength = 0;
        call.Header.CopyTo(Frame.Header(call.Header.Length));
        Frame.Seal(
            new FrameHeader
            {
                Kind = FrameKind.Request,
                Method = call.Method,
                CallId = id,
                HeaderLength = call.Header.Length,
                PayloadLength = (int)call.SendPayload.TotalLength,
                ReceiveCapacity = (int)call.ReceivePayload.TotalLength,
                TimeoutMilliseconds = timeout,
            },
            call.SendPayload);
        if (ct.CanBeCanceled) _registration = ct.UnsafeRegister(static state => ((ClientCall)state!).CancelRequested(), this);
    }

    /// <summary>
    /// Any thread, possibly when the call is over and reused: the connection looks at the token it has now.
    /// </summary>
    private void CancelRequested() => Owner.PostCancel(this);

    /// <summary>Keeps the answer's header and makes its status the outcome's. Reactor's thread.</summary>
    public void TakeAnswer(in FrameHeader header, ReadOnlySpan<byte> variable)
    {
        _outcome = header.Status;
        _payloadLength = header.PayloadLength;
        if ((header.Flags & FrameHeader.HeaderIsMessage) != 0)
        {
            _outcome = new Status(header.Status, Encoding.UTF8.GetString(variable));
            return;
        }

        if (_header.Length < variable.Length) _header = new byte[variable.Length];
        variable.CopyTo(_header);
        _headerLength = variable.Length;
    }

    /// <summary>The answer taken before is complete.</summary>
    public void SettleAnswered() => Settle();

    /// <summary>Gives the call an outcome without an answer. Reactor's thread.</summary>
    public void SettleFailed(in Status status)
    {
        _outcome = status;
        _headerLength = 0;
        _payloadLength = 0;
        Settle();
    }

    private void Settle()
    {
        Invariant.Check(!IsSettled, "a call has one outcome");
        IsSettled = true;
        if (Interlocked.CompareExchange(ref _send, OutcomeWaits, Sending) == SendDone) Owner.Complete(this);
    }

    /// <summary>The sender, or whoever withdrew the frame, is done with it. Any thread.</summary>
    public void FrameDone()
    {
        if (Interlocked.Exchange(ref _send, SendDone) == OutcomeWaits) Owner.CompleteAnywhere(this);
    }

    /// <summary>
    /// Hands the outcome to the caller. Reactor's thread, after the call left the connection's table.
    /// </summary>
    public void Publish()
    {
        // Not waiting for a callback that runs now: it only posts a question that this call can answer in any state.
        _registration.Unregister();
        _registration = default;
        Cancellation = default;
        ReceivePayload = default;
        Frame.Clear();
        var header = new ReadOnlyMemory<byte>(_header, 0, _headerLength);
        _core.SetResult(new CallResult(_outcome, _payloadLength, header, this, _core.Version));
    }

    /// <summary>The caller has read the result: the call can be used again.</summary>
    public void Release(short token)
    {
        if (token != _core.Version) return;
        _core.Reset();
        _outcome = default;
        if (_header.Length > SmallHeader * 8) _header = new byte[SmallHeader];
        Owner.Recycle(this);
    }

    public CallResult GetResult(short token) => _core.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
