using System.Text;
using System.Threading.Tasks.Sources;
using ThreeFs.Base;
using ThreeFs.Base.Memory;

namespace ThreeFs.Transport.Rdma;

/// <summary>
/// One call in flight, reused. It is over when there is an outcome and the link is done with both of its messages, the
/// request and perhaps a cancellation. Fields change on the reactor's thread, but for <see cref="Begin"/>.
/// </summary>
internal sealed class RdmaCall : IValueTaskSource<CallResult>, IHeaderLease, IRdmaWorkOwner
{
    private const int SmallHeader = 512;

    private readonly RdmaConnection _owner;
    private ManualResetValueTaskSourceCore<CallResult> _core;
    private CancellationTokenRegistration _registration;
    private byte[] _header = new byte[SmallHeader];
    private int _headerLength;
    private int _payloadLength;
    private Status _outcome;
    private BufferLease? _sendStaging;
    private BufferLease? _receiveStaging;
    private IoSlices _receivePayload;

    public RdmaCall(RdmaConnection owner)
    {
        _owner = owner;
        Request = new RdmaWork(this);
        Cancellation = new RdmaWork(this);
    }

    public RdmaConnection Owner => _owner;

    public RdmaWork Request { get; }

    /// <summary>Tells the server that the call is given up.</summary>
    public RdmaWork Cancellation { get; }

    public ulong Id { get; private set; }

    public int ReceiveCapacity { get; private set; }

    /// <summary>The server was told keys of memory of this call.</summary>
    public bool ExposesMemory { get; private set; }

    /// <summary>Milliseconds on the connection's clock.</summary>
    public long Deadline { get; private set; }

    public CancellationToken Token { get; private set; }

    /// <summary>The reactor has seen it.</summary>
    public bool IsStarted { get; set; }

    /// <summary>There is an outcome.</summary>
    public bool IsSettled { get; private set; }

    /// <summary>Why the caller waits no more, once the server was asked to leave the memory alone.</summary>
    public StatusCode GivenUpFor { get; set; }

    /// <summary>When it was asked; milliseconds on the connection's clock.</summary>
    public long GivenUpAt { get; set; }

    public ValueTask<CallResult> Task => new(this, _core.Version);

    /// <summary>
    /// Writes the request. Any thread, before the call can be seen by anybody. False when there is no memory to copy
    /// through.
    /// </summary>
    public bool Begin(in Call call, ulong id, int timeout, long deadline, CancellationToken ct, RdmaLink link, RdmaTransport transport)
    {
        Id = id;
        Deadline = deadline;
        Token = ct;
        IsStarted = false;
        IsSettled = false;
        GivenUpFor = StatusCode.Ok;
        _headerLength = 0;
        _payloadLength = 0;
        _outcome = default;
        _receivePayload = call.ReceivePayload;
        ReceiveCapacity = (int)call.ReceivePayload.TotalLength;
        if (!TryStage(call.ReceivePayload, link, transport, out _receiveStaging, out var receive)) return false;
        if (!TryStage(call.SendPayload, link, transport, out _sendStaging, out var send))
        {
            _receiveStaging?.Dispose();
            _receiveStaging = null;
            return false;
        }

        if (_sendStaging is { } copy) call.SendPayload.CopyTo(0, copy.Memory.Span[..(int)call.SendPayload.TotalLength]);
        ExposesMemory = receive.Count + send.Count > 0;
        var message = new RdmaMessage
        {
            Kind = RdmaMessageKind.Request,
            Method = call.Method,
            HeaderLength = call.Header.Length,
            CallId = id,
            ReceiveSlices = receive.Count,
            SendSlices = send.Count,
            PayloadLength = (int)call.SendPayload.TotalLength,
            ReceiveCapacity = ReceiveCapacity,
            TimeoutMilliseconds = timeout,
        };
        var bytes = Request.Begin(message.Length);
        message.Write(bytes);
        link.WriteSlices(receive, bytes[RdmaMessage.Size..]);
        link.WriteSlices(send, bytes[(RdmaMessage.Size + receive.Count * RemoteSlice.Size)..]);
        call.Header.CopyTo(bytes[message.HeaderOffset..]);
        if (ct.CanBeCanceled) _registration = ct.UnsafeRegister(static state => ((RdmaCall)state!).CancelRequested(), this);
        return true;
    }

    /// <summary>
    /// The memory itself where the adapter can reach it, else a leased buffer in its place.
    /// </summary>
    private static bool TryStage(
        in IoSlices memory, RdmaLink link, RdmaTransport transport, out BufferLease? lease, out IoSlices reachable)
    {
        lease = null;
        reachable = memory;
        if (link.IsRegistered(memory)) return true;
        lease = transport.TryStage(link, memory.TotalLength);
        if (lease is null) return false;
        reachable = lease.Memory.Slice(0, (int)memory.TotalLength);
        return true;
    }

    /// <summary>
    /// Any thread, possibly when the call is over and reused: the connection looks at the token it has now.
    /// </summary>
    private void CancelRequested() => _owner.PostCancel(this);

    /// <summary>The message that gives the call up, to be enqueued.</summary>
    public void WriteCancellation()
    {
        var message = new RdmaMessage { Kind = RdmaMessageKind.Cancel, CallId = Id };
        message.Write(Cancellation.Begin(message.Length));
    }

    /// <summary>The server has answered: it touches no memory of this call any more.</summary>
    public void SettleAnswered(in RdmaMessage message, ReadOnlySpan<byte> header)
    {
        if (GivenUpFor != StatusCode.Ok)
        {
            SettleFailed(GivenUpFor);
            return;
        }

        _outcome = message.Status;
        _payloadLength = message.PayloadLength;
        if ((message.Flags & RdmaMessage.HeaderIsText) != 0)
        {
            _outcome = new Status(message.Status, Encoding.UTF8.GetString(header));
        }
        else
        {
            if (_header.Length < header.Length) _header = new byte[header.Length];
            header.CopyTo(_header);
            _headerLength = header.Length;
        }

        if (_receiveStaging is { } copy) _receivePayload.CopyFrom(0, copy.Memory.Span[.._payloadLength]);
        IsSettled = true;
        TryComplete();
    }

    /// <summary>Gives the call an outcome without an answer.</summary>
    public void SettleFailed(in Status status)
    {
        Invariant.Check(!IsSettled, "a call has one outcome");
        _outcome = status;
        _headerLength = 0;
        _payloadLength = 0;
        IsSettled = true;
        TryComplete();
    }

    public void WorkEnded(RdmaWork work, bool isDone) => TryComplete();

    public void TryComplete()
    {
        if (IsSettled && IsStarted && !Request.IsBusy && !Cancellation.IsBusy) _owner.Complete(this);
    }

    /// <summary>Ends a call that was never started; on the thread that wanted to start it.</summary>
    public void Abandon(in Status status)
    {
        _outcome = status;
        IsSettled = true;
        Publish();
    }

    /// <summary>
    /// Hands the outcome to the caller. Reactor's thread, after the call left the connection's table.
    /// </summary>
    public void Publish()
    {
        // Not waiting for a callback that runs now: it only posts a question that this call can answer in any state.
        _registration.Unregister();
        _registration = default;
        Token = default;
        _receivePayload = default;
        _sendStaging?.Dispose();
        _sendStaging = null;
        _receiveStaging?.Dispose();
        _receiveStaging = null;
        Request.Clear();
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
        _owner.Recycle(this);
    }

    public CallResult GetResult(short token) => _core.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
