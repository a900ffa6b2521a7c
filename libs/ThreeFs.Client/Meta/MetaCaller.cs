using Google.Protobuf;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Contracts.Meta;
using ThreeFs.Contracts.Routing;
using ThreeFs.Transport;

namespace ThreeFs.Client.Meta;

/// <summary>How a method is called.</summary>
/// <param name="AsksStorage">The server may have to wait for chains: longer timeouts.</param>
/// <param name="ReplySpace">Bytes an answer may need beyond what fits a frame's header; 0: it always fits.</param>
internal readonly record struct CallShape(bool AsksStorage = false, int ReplySpace = 0);

/// <summary>
/// One metadata request until it has an answer: picks a server, sends, and on a lost connection, a silent or stopping server or
/// a transaction that did not get through sends the same bytes again (therefore with the same request id), to another server if
/// this one is to blame. Waits between attempts grow with jitter. A caller sees a server's failure only after the deadline.
/// </summary>
internal sealed class MetaCaller : IAsyncDisposable
{
    private const long PoolLimit = 64L << 20;

    private readonly IRoutingSource _routing;
    private readonly MetaClientOptions _options;
    private readonly TimeProvider _time;
    private readonly SeededRandom _random;
    private readonly MetaServerChoice _choice;
    private readonly MetaConnections _connections;
    private readonly BufferPool _buffers = new(PoolLimit);

    public MetaCaller(ITransport transport, IRoutingSource routing, MetaClientOptions options, TimeProvider time, SeededRandom random)
    {
        _routing = routing;
        _options = options;
        _time = time;
        _random = random;
        _choice = new MetaServerChoice(time, options.FailedServerPause, random.NextUInt64() >> 1);
        _connections = new MetaConnections(transport, time, options.ConnectTimeout);
    }

    public async ValueTask<Result<TReply>> CallAsync<TReply>(
        MetaMethod method, IMessage request, MessageParser<TReply> parser, CallShape shape, CancellationToken ct)
        where TReply : class, IMessage<TReply>
    {
        var bytes = request.ToByteArray();
        var started = _time.GetTimestamp();
        var deadline = shape.AsksStorage ? _options.StorageDeadline : _options.Deadline;
        for (var attempt = 0; ; attempt++)
        {
            var left = deadline - _time.GetElapsedTime(started);
            var result = await TryOnceAsync(method, bytes, parser, shape, left, ct);
            if (result.IsOk || !MayRepeat(result.Code, shape)) return result;
            if (ct.IsCancellationRequested) return new Status(StatusCode.Cancelled, $"{method} was interrupted");
            var pause = PauseAfter(attempt, result.Code);
            if (_time.GetElapsedTime(started) + pause >= deadline)
            {
                return new Status(result.Code,
                    $"{method} got no answer from any metadata server for {deadline.TotalSeconds:0} s; last: {result.Status}");
            }

            if (pause > TimeSpan.Zero && !await _time.PauseAsync(pause, ct)) return new Status(StatusCode.Cancelled, $"{method} was interrupted");
        }
    }

    private async ValueTask<Result<TReply>> TryOnceAsync<TReply>(
        MetaMethod method, byte[] request, MessageParser<TReply> parser, CallShape shape, TimeSpan left, CancellationToken ct)
        where TReply : class, IMessage<TReply>
    {
        var server = _choice.Choose(_routing.Current);
        if (server is null)
        {
            _routing.RequestRefresh();
            return new Status(StatusCode.RoutingNotReady, "no metadata server is known yet");
        }

        var opened = await _connections.GetAsync(server);
        var result = opened.TryGet(out var connection)
            ? await SendAsync(connection, method, request, parser, shape, left, ct)
            : opened.Status;
        if (result.Code.IsServerFailure())
        {
            _choice.Failed(server.Id);
            _routing.RequestRefresh();
        }
        else
        {
            _choice.Succeeded(server.Id);
        }

        return result;
    }

    private async ValueTask<Result<TReply>> SendAsync<TReply>(
        IConnection connection, MetaMethod method, byte[] request, MessageParser<TReply> parser, CallShape shape, TimeSpan left,
        CancellationToken ct)
        where TReply : class, IMessage<TReply>
    {
        using var receive = shape.ReplySpace == 0 ? null : _buffers.TryRent(shape.ReplySpace);
        using var send = request.Length <= TransportLimits.MaxHeader ? null : _buffers.TryRent(request.Length);
        if ((shape.ReplySpace != 0 && receive is null) || (request.Length > TransportLimits.MaxHeader && send is null))
            return new Status(StatusCode.Overloaded, "the metadata client's buffers are all in use");
        var timeout = shape.AsksStorage ? _options.StorageAttemptTimeout : _options.AttemptTimeout;
        if (left < timeout) timeout = left;
        if (timeout <= TimeSpan.Zero) return new Status(StatusCode.DeadlineExceeded, "no time is left");
        if (send is not null) request.CopyTo(send.Memory.Span);
        var pending = connection.CallAsync(new Call
        {
            Method = (ushort)method,
            Header = send is null ? request : [],
            SendPayload = send?.Memory.Slice(0, request.Length) ?? default,
            ReceivePayload = receive?.Memory ?? default,
            Timeout = timeout,
        }, ct);
        using var answer = await pending;
        if (!answer.IsOk) return answer.Status;
        return Parse(method, answer, receive, parser);
    }

    private static Result<TReply> Parse<TReply>(MetaMethod method, in CallResult answer, BufferLease? receive, MessageParser<TReply> parser)
        where TReply : class, IMessage<TReply>
    {
        try
        {
            return answer.PayloadLength > 0 && receive is not null
                ? parser.ParseFrom(receive.Memory.Span[..answer.PayloadLength])
                : parser.ParseFrom(answer.Header);
        }
        catch (InvalidProtocolBufferException e)
        {
            return new Status(StatusCode.ProtocolError, $"the answer to {method} cannot be read: {e.Message}");
        }
    }

    /// <summary>A server that waits for chains gives up before the client does; the chains may heal later.</summary>
    private static bool MayRepeat(StatusCode code, CallShape shape) =>
        code.IsRetryableMeta() || (shape.AsksStorage && code.IsRetryableStorage());

    /// <summary>The first failover is immediate; everything else waits, doubling up to the maximum, between half and all of it.</summary>
    private TimeSpan PauseAfter(int attempt, StatusCode code)
    {
        if (attempt == 0 && code.IsServerFailure()) return TimeSpan.Zero;
        var pause = _options.FirstBackoff * Math.Pow(2, Math.Min(attempt, 16));
        if (pause > _options.MaxBackoff) pause = _options.MaxBackoff;
        double jitter;
        lock (_random) jitter = 0.5 + _random.NextDouble() / 2;
        return pause * jitter;
    }

    public async ValueTask DisposeAsync()
    {
        await _connections.DisposeAsync();
        _buffers.Dispose();
    }
}
