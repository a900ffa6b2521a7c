using System.Runtime.CompilerServices;
using System.Text;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Transport.Rdma.Verbs;

namespace ThreeFs.Transport.Rdma;

/// <summary>
/// A request on a server's connection, reused: its payload is pulled from the caller's memory, handled, and its answer's
/// payload pushed into the caller's memory before the answer. Reactor's thread, but for the handler's own work.
/// </summary>
/// <remarks>
/// A caller that has given up hears at once that its memory is left alone, unless the adapter is moving bytes at that
/// moment: then after them. What the handler answers later is dropped.
/// </remarks>
internal sealed class RdmaServerRequest : ServerRequest, IRdmaWorkOwner
{
    private const int SmallHeader = 512;
    private const int MostText = 1024;

    private readonly RdmaServerConnection _connection;
    private readonly RdmaWork _pull;
    private readonly RdmaWork _answer;
    private readonly Action _completed;
    private ValueTaskAwaiter<Reply> _handling;
    private byte[] _header = new byte[SmallHeader];
    private int _headerLength;
    private byte[] _responseHeader = new byte[SmallHeader];
    private int _reserved;
    private RemoteSlice[] _source = [];
    private RemoteSlice[] _target = [];
    private BufferLease? _staging;
    private IDisposable? _replyOwner;
    private ulong _callId;
    private long _deadline;
    private Phase _phase;
    private bool _isCancelled;

    private enum Phase
    {
        Idle,
        Pulling,
        Handling,
        Answering,
    }

    public RdmaServerRequest(RdmaServerConnection connection)
    {
        _connection = connection;
        _pull = new RdmaWork(this);
        _answer = new RdmaWork(this);
        _completed = HandlingCompleted;
        Connection = connection.Public;
    }

    public ulong CallId => _callId;

    public override ReadOnlyMemory<byte> HeaderMemory => new(_header, 0, _headerLength);

    public override TimeSpan TimeLeft => _isCancelled
        ? TimeSpan.Zero
        : TimeSpan.FromMilliseconds(_deadline - Environment.TickCount64);

    public override Span<byte> ResponseHeader(int size)
    {
        Invariant.Check((uint)size <= TransportLimits.MaxHeader, "a header has at most 64 KiB");
        _reserved = size;
        if (_responseHeader.Length < size) _responseHeader = new byte[size];
        return _responseHeader.AsSpan(0, size);
    }

    /// <summary>Takes a request over; refuses one whose memory does not fit its lengths.</summary>
    public Status Begin(in RdmaMessage message, ReadOnlySpan<byte> bytes)
    {
        _callId = message.CallId;
        _deadline = Environment.TickCount64 + message.TimeoutMilliseconds;
        _reserved = 0;
        _isCancelled = false;
        Method = message.Method;
        PayloadLength = message.PayloadLength;
        ReceiveCapacity = message.ReceiveCapacity;
        var header = bytes[message.HeaderOffset..];
        if (_header.Length < header.Length) _header = new byte[header.Length];
        header.CopyTo(_header);
        _headerLength = header.Length;
        if (_target.Length < message.ReceiveSlices) _target = new RemoteSlice[message.ReceiveSlices];
        if (_source.Length < message.SendSlices) _source = new RemoteSlice[message.SendSlices];
        var target = bytes.Slice(RdmaMessage.Size, message.ReceiveSlices * RemoteSlice.Size);
        var source = bytes.Slice(RdmaMessage.Size + target.Length, message.SendSlices * RemoteSlice.Size);
        var status = RdmaMessage.ReadSlices(target, _target.AsSpan(0, message.ReceiveSlices), message.ReceiveCapacity);
        return status.IsOk
            ? RdmaMessage.ReadSlices(source, _source.AsSpan(0, message.SendSlices), message.PayloadLength)
            : status;
    }

    /// <summary>Brings the payload into the destination that was named for it.</summary>
    public void Pull()
    {
        Invariant.Check(Payload.TotalLength >= PayloadLength, "an accepted payload has a destination");
        var destination = Payload;
        if (!_connection.Link.IsRegistered(destination))
        {
            _staging = _connection.Transport.TryStage(_connection.Link, PayloadLength);
            if (_staging is null)
            {
                Answer(new Status(StatusCode.Overloaded, "no memory is left to copy a payload through"));
                return;
            }

            destination = _staging.Memory;
        }

        _phase = Phase.Pulling;
        _pull.Begin(0);
        _pull.Transfer(IbOpcode.RdmaRead, destination, _source, PayloadLength);
        _connection.Link.Enqueue(_pull);
    }

    public void WorkEnded(RdmaWork work, bool isDone)
    {
        if (work == _pull) Pulled(isDone);
        else AnswerEnded();
    }

    private void Pulled(bool isDone)
    {
        _phase = Phase.Idle;
        if (_staging is { } copy)
        {
            if (isDone) Payload.CopyFrom(0, copy.Memory.Span[..PayloadLength]);
            copy.Dispose();
            _staging = null;
        }

        if (!isDone) End();
        else if (_isCancelled) Answer(StatusCode.Cancelled);
        else Handle();
    }

    /// <summary>Runs the handler; its reply is sent whenever it comes.</summary>
    public void Handle()
    {
        _phase = Phase.Handling;
        try
        {
            _handling = _connection.Handler.HandleAsync(this).GetAwaiter();
        }
        catch (Exception e)
        {
            Fail(e);
            return;
        }

        if (_handling.IsCompleted) TakeReply();
        else _handling.UnsafeOnCompleted(_completed);
    }

    /// <summary>Any thread.</summary>
    private void HandlingCompleted()
    {
        if (_connection.Reactor.IsCurrent) TakeReply();
        else _connection.Reactor.Post(static state => ((RdmaServerRequest)state!).TakeReply(), this);
    }

    private void TakeReply()
    {
        Reply reply;
        try
        {
            reply = _handling.GetResult();
        }
        catch (Exception e)
        {
            Fail(e);
            return;
        }

        Answer(reply);
    }

    private void Fail(Exception e)
    {
        if (e is InvariantException) Environment.FailFast($"request {Method} of {Connection}: {e.Message}", e);
        _connection.Report(e);
        Answer(new Status(StatusCode.Internal, "the server failed on this request"));
    }

    /// <summary>The caller has given up. What it is told depends on how far the request is.</summary>
    public void Cancel()
    {
        if (_isCancelled || _phase is Phase.Idle or Phase.Answering) return;
        _isCancelled = true;
        if (_phase == Phase.Handling) Send(StatusCode.Cancelled, 0, 0, default);
    }

    /// <summary>
    /// Sends the reply, or drops it when the caller was told already that nothing comes, or is gone.
    /// </summary>
    public void Answer(Reply reply)
    {
        _handling = default;
        Invariant.Check(reply.HeaderLength <= _reserved, "a reply's header was written into the request's response header");
        var isTold = _isCancelled && _phase == Phase.Handling;
        _phase = Phase.Answering;
        if (isTold)
        {
            reply.PayloadOwner?.Dispose();
            if (!_answer.IsBusy) End();
            return;
        }

        _replyOwner = reply.PayloadOwner;
        reply = Checked(reply);
        var payload = reply.Payload;
        if (!payload.IsEmpty && !_connection.Link.IsRegistered(payload) && !TryStage(ref payload))
        {
            reply = new Status(StatusCode.Overloaded, "no memory is left to copy a payload through");
            payload = default;
        }

        if (reply.HeaderLength == 0 && reply.Status is { IsOk: false, Message: { } text })
            Send(reply.Status.Code, RdmaMessage.HeaderIsText, WriteText(text), payload);
        else Send(reply.Status.Code, 0, reply.HeaderLength, payload);
    }

    private bool TryStage(ref IoSlices payload)
    {
        var length = (int)payload.TotalLength;
        _staging = _connection.Transport.TryStage(_connection.Link, length);
        if (_staging is null) return false;
        payload.CopyTo(0, _staging.Memory.Span[..length]);
        payload = _staging.Memory.Slice(0, length);
        return true;
    }

    private int WriteText(string text)
    {
        Encoding.UTF8.GetEncoder().Convert(text, ResponseHeader(MostText), flush: true, out _, out var used, out _);
        return used;
    }

    private void Send(StatusCode status, byte flags, int headerLength, in IoSlices payload)
    {
        var message = new RdmaMessage
        {
            Kind = RdmaMessageKind.Response,
            Method = Method,
            CallId = _callId,
            Status = status,
            Flags = flags,
            HeaderLength = headerLength,
            PayloadLength = (int)payload.TotalLength,
        };
        var bytes = _answer.Begin(message.Length);
        message.Write(bytes);
        _responseHeader.AsSpan(0, headerLength).CopyTo(bytes[message.HeaderOffset..]);
        if (!payload.IsEmpty) _answer.Transfer(IbOpcode.RdmaWrite, payload, _target, payload.TotalLength);
        _connection.Link.Enqueue(_answer);
    }

    private void AnswerEnded()
    {
        // A caller that gave up was answered while the handler still runs: the request ends with that.
        if (_phase == Phase.Answering) End();
    }

    /// <summary>Gives everything back.</summary>
    private void End()
    {
        _phase = Phase.Idle;
        _staging?.Dispose();
        _staging = null;
        var owner = _replyOwner;
        _replyOwner = null;
        owner?.Dispose();
        ReleasePayload();
        _answer.Clear();
        _pull.Clear();
        if (_header.Length > SmallHeader * 8) _header = new byte[SmallHeader];
        if (_responseHeader.Length > SmallHeader * 8) _responseHeader = new byte[SmallHeader];
        _connection.RequestDone(this);
    }
}
