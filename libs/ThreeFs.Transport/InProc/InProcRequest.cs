using System.Runtime.CompilerServices;
using ThreeFs.Base;

namespace ThreeFs.Transport.InProc;

/// <summary>A request at the in-process server: the same two steps and the same owners as over a network.</summary>
internal sealed class InProcRequest : ServerRequest
{
    private readonly InProcConnection _connection;
    private readonly InProcCall _call;
    private readonly long _arrived;
    private ValueTaskAwaiter<Reply> _handling;
    private byte[] _responseHeader = [];

    public InProcRequest(InProcConnection connection, InProcCall call)
    {
        _connection = connection;
        _call = call;
        _arrived = connection.Transport.Time.GetTimestamp();
        Connection = connection.Public;
        Method = call.Method;
        PayloadLength = (int)call.Send.TotalLength;
        ReceiveCapacity = call.ReceiveCapacity;
    }

    public override ReadOnlyMemory<byte> HeaderMemory => _call.Header;

    public override TimeSpan TimeLeft => _call.Timeout - _connection.Transport.Time.GetElapsedTime(_arrived);

    public override Span<byte> ResponseHeader(int size)
    {
        Invariant.Check((uint)size <= TransportLimits.MaxHeader, "a header has at most 64 KiB");
        _responseHeader = new byte[size];
        return _responseHeader;
    }

    public void Begin()
    {
        var listener = _connection.Listener;
        listener.Requests.Began();
        try
        {
            var refusal = listener.Requests.IsDraining ? new Status(StatusCode.Unavailable, "the server is stopping") : Status.Ok;
            if (refusal.IsOk && PayloadLength > 0) refusal = listener.Handler.Accept(this);
            if (!refusal.IsOk)
            {
                Answer(refusal);
                return;
            }

            if (PayloadLength > 0) ReceivePayload();
            _handling = listener.Handler.HandleAsync(this).GetAwaiter();
        }
        catch (Exception e) when (e is not InvariantException)
        {
            Fail(e);
            return;
        }

        if (_handling.IsCompleted) TakeReply();
        else _handling.UnsafeOnCompleted(() => _connection.Transport.Schedule(static state => ((InProcRequest)state!).TakeReply(), this));
    }

    private void ReceivePayload()
    {
        Invariant.Check(Payload.TotalLength >= PayloadLength, "an accepted payload has a destination");
        var at = 0L;
        for (var i = 0; i < _call.Send.Count; i++)
        {
            Payload.CopyFrom(at, _call.Send[i].Span);
            at += _call.Send[i].Length;
        }
    }

    private void TakeReply()
    {
        Reply reply;
        try
        {
            reply = _handling.GetResult();
        }
        catch (Exception e) when (e is not InvariantException)
        {
            Fail(e);
            return;
        }

        Answer(reply);
    }

    private void Fail(Exception e)
    {
        _connection.Transport.Options.HandlerFailed?.Invoke(Connection, e);
        Answer(new Status(StatusCode.Internal, "the server failed on this request"));
    }

    private void Answer(Reply reply)
    {
        Invariant.Check(reply.HeaderLength <= _responseHeader.Length, "a reply's header was written into the request's response header");
        var owner = reply.PayloadOwner;
        reply = Checked(reply);
        if (reply.HeaderLength > 0) reply = reply with { Status = reply.Status.Code };
        if (!Connection.IsClosed) _call.Answer(reply, _responseHeader[..reply.HeaderLength]);
        owner?.Dispose();
        ReleasePayload();
        _connection.Listener.Requests.Ended();
    }
}
