using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;

namespace ThreeFs.Transport.Frames;

/// <summary>
/// A request on a server's connection, reused. Its end is the end of its answer's frame; until then it holds the
/// payload's and the reply's owners and disposes both exactly once, also when the connection is gone.
/// </summary>
internal sealed class FramedRequest : ServerRequest, IFrameOwner
{
    private const int SmallHeader = 512;

    private readonly FramedServerConnection _connection;
    private readonly OutgoingFrame _frame;
    private readonly Action _completed;
    private ValueTaskAwaiter<Reply> _handling;
    private IDisposable? _replyOwner;
    private byte[] _header = new byte[SmallHeader];
    private int _headerLength;
    private int _reserved;
    private ulong _callId;
    private long _deadline;

    public FramedRequest(FramedServerConnection connection)
    {
        _connection = connection;
        _frame = new OutgoingFrame(this);
        _completed = HandlingCompleted;
        Connection = connection.Public;
    }

    public override ReadOnlyMemory<byte> HeaderMemory => new(_header, 0, _headerLength);

    public override TimeSpan TimeLeft => TimeSpan.FromMilliseconds(_deadline - Environment.TickCount64);

    public override Span<byte> ResponseHeader(int size)
    {
        _reserved = size;
        return _frame.Header(size);
    }

    public void Begin(in FrameHeader frame, ReadOnlySpan<byte> header)
    {
        if (_header.Length < header.Length) _header = new byte[header.Length];
        header.CopyTo(_header);
        _headerLength = header.Length;
        _callId = frame.CallId;
        _deadline = Environment.TickCount64 + frame.TimeoutMilliseconds;
        _reserved = 0;
        Method = frame.Method;
        PayloadLength = frame.PayloadLength;
        ReceiveCapacity = frame.ReceiveCapacity;
    }

    /// <summary>Runs the handler; its reply is sent whenever it comes.</summary>
    public void Handle(IServerHandler handler)
    {
        try
        {
            _handling = handler.HandleAsync(this).GetAwaiter();
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
        else _connection.Reactor.Post(static state => ((FramedRequest)state!).TakeReply(), this);
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

    /// <summary>Sends the reply, or drops it when nobody is there any more.</summary>
    public void Answer(Reply reply)
    {
        _handling = default;
        Invariant.Check(reply.HeaderLength <= _reserved, "a reply's header was written into the request's response header");
        _replyOwner = reply.PayloadOwner;
        reply = Checked(reply);
        if (!_connection.TryPlace(_frame, reply.Payload)) reply = StatusCode.Overloaded;
        var length = reply.HeaderLength;
        ushort flags = 0;
        if (length == 0 && reply.Status is { IsOk: false, Message: { } message })
        {
            length = _frame.WriteMessage(message);
            flags = FrameHeader.HeaderIsMessage;
        }
        else if (length == 0)
        {
            _frame.Header(0);
        }

        _frame.Seal(
            new FrameHeader
            {
                Kind = FrameKind.Response,
                Method = Method,
                CallId = _callId,
                Status = reply.Status.Code,
                Flags = flags,
                HeaderLength = length,
                PayloadLength = (int)reply.Payload.TotalLength,
            },
            reply.Payload);
        _connection.Send(_frame);
    }

    public void FrameDone()
    {
        _frame.Clear();
        var owner = _replyOwner;
        _replyOwner = null;
        owner?.Dispose();
        Abandon();
    }

    /// <summary>Ends the request without an answer.</summary>
    public void Abandon()
    {
        ReleasePayload();
        if (_header.Length > SmallHeader * 8) _header = new byte[SmallHeader];
        _connection.RequestDone(this);
    }
}
