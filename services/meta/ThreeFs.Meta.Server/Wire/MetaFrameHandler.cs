using System.Collections.Frozen;
using Google.Protobuf;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Meta;
using ThreeFs.Protos.Meta;
using ThreeFs.Transport;

namespace ThreeFs.Meta.Server.Wire;

/// <summary>
/// The metadata service on the data plane; see <see cref="MetaMethod"/> for the form of the frames. Bounded: more requests than
/// <c>maxInFlight</c> are answered with <see cref="StatusCode.Overloaded"/> before any work.
/// </summary>
internal sealed class MetaFrameHandler : IServerHandler, IDisposable
{
    private const long PoolLimit = 256L << 20;
    private const int MaxRequestPayload = 1 << 20;

    private readonly FrozenDictionary<ushort, Route> _routes;
    private readonly BufferPool _buffers = new(PoolLimit);
    private readonly int _maxInFlight;
    private int _inFlight;

    private delegate ValueTask<Result<IMessage>> Route(ReadOnlySpan<byte> request);

    public MetaFrameHandler(MetaDispatcher to, int maxInFlight, CancellationToken stopping)
    {
        _maxInFlight = maxInFlight;
        _routes = Routes(to, stopping).ToFrozenDictionary();
    }

    public int InFlight => Volatile.Read(ref _inFlight);

    public Status Accept(ServerRequest request)
    {
        if (request.PayloadLength > MaxRequestPayload)
            return new Status(StatusCode.InvalidArgument, $"a metadata request has at most {MaxRequestPayload} bytes");
        var buffer = _buffers.TryRent(request.PayloadLength);
        if (buffer is null) return StatusCode.Overloaded;
        request.ReceiveInto(buffer.Memory, buffer);
        return Status.Ok;
    }

    public async ValueTask<Reply> HandleAsync(ServerRequest request)
    {
        if (!_routes.TryGetValue(request.Method, out var route))
            return new Status(StatusCode.NotImplemented, $"0x{request.Method:x4} is not a method of the metadata service");
        if (Interlocked.Increment(ref _inFlight) > _maxInFlight)
        {
            Interlocked.Decrement(ref _inFlight);
            return StatusCode.Overloaded;
        }

        try
        {
            var result = await Start(route, request);
            if (result.TryGet(out var message)) return Answer(request, message);

            // The caller did not give up, this server did: another one may answer.
            return result.Code == StatusCode.Cancelled ? StatusCode.Unavailable : result.Status;
        }
        finally
        {
            Interlocked.Decrement(ref _inFlight);
        }
    }

    /// <summary>Parses before the first wait: the request's memory belongs to the connection's thread.</summary>
    private static ValueTask<Result<IMessage>> Start(Route route, ServerRequest request)
    {
        if (request.PayloadLength == 0) return route(request.Header);
        var bytes = new byte[request.PayloadLength];
        request.Payload.CopyTo(0, bytes);
        return route(bytes);
    }

    private Reply Answer(ServerRequest request, IMessage message)
    {
        var size = message.CalculateSize();
        if (size <= TransportLimits.MaxHeader)
        {
            message.WriteTo(request.ResponseHeader(size)[..size]);
            return new Reply { HeaderLength = size };
        }

        if (message is PageReply page) size = Shorten(page, request.ReceiveCapacity);
        if (size > request.ReceiveCapacity)
            return new Status(StatusCode.InvalidArgument, $"the answer has {size} bytes and the caller takes {request.ReceiveCapacity}");
        var buffer = _buffers.TryRent(size);
        if (buffer is null) return StatusCode.Overloaded;
        message.WriteTo(buffer.Memory.Span[..size]);
        return new Reply { Payload = buffer.Memory.Slice(0, size), PayloadOwner = buffer };
    }

    /// <summary>A page that is too long for the caller ends earlier.</summary>
    private static int Shorten(PageReply page, int capacity)
    {
        var size = page.CalculateSize();
        while (size > capacity && page.Entries.Count > 1)
        {
            var keep = Math.Max(1, (int)((long)page.Entries.Count * capacity / size) - 1);
            for (var i = page.Entries.Count - 1; i >= keep; i--) page.Entries.RemoveAt(i);
            page.End = false;
            size = page.CalculateSize();
        }

        return size;
    }

    private static IEnumerable<KeyValuePair<ushort, Route>> Routes(MetaDispatcher to, CancellationToken ct) =>
    [
        On(MetaMethod.Resolve, ResolveRequest.Parser, r => to.Resolve(r, ct)),
        On(MetaMethod.Lookup, EntryRequest.Parser, r => to.Lookup(r, ct)),
        On(MetaMethod.GetAttr, InodeRequest.Parser, r => to.GetAttr(r, ct)),
        On(MetaMethod.BatchGetAttr, BatchGetAttrRequest.Parser, r => to.BatchGetAttr(r, ct)),
        On(MetaMethod.SetAttr, SetAttrRequest.Parser, r => to.SetAttr(r, ct)),
        On(MetaMethod.Access, AccessRequest.Parser, r => to.Access(r, ct)),
        On(MetaMethod.Create, CreateRequest.Parser, r => to.Create(r, ct)),
        On(MetaMethod.MakeNode, MakeNodeRequest.Parser, r => to.MakeNode(r, ct)),
        On(MetaMethod.Link, LinkRequest.Parser, r => to.Link(r, ct)),
        On(MetaMethod.Unlink, UnlinkRequest.Parser, r => to.Unlink(r, ct)),
        On(MetaMethod.RemoveDirectory, EntryRequest.Parser, r => to.RemoveDirectory(r, ct)),
        On(MetaMethod.RemoveTree, EntryRequest.Parser, r => to.RemoveTree(r, ct)),
        On(MetaMethod.Rename, RenameRequest.Parser, r => to.Rename(r, ct)),
        On(MetaMethod.ReadDirectory, ReadDirectoryRequest.Parser, r => to.ReadDirectory(r, ct)),
        On(MetaMethod.Open, OpenRequest.Parser, r => to.Open(r, ct)),
        On(MetaMethod.KeepOpen, KeepOpenRequest.Parser, r => to.KeepOpen(r, ct)),
        On(MetaMethod.Close, CloseRequest.Parser, r => to.Close(r, ct)),
        On(MetaMethod.Sync, SyncRequest.Parser, r => to.Sync(r, ct)),
        On(MetaMethod.PruneSessions, PruneSessionsRequest.Parser, r => to.PruneSessions(r, ct)),
        On(MetaMethod.Flush, FlushRequest.Parser, r => to.Flush(r, ct)),
        On(MetaMethod.StatFs, StatFsRequest.Parser, r => to.StatFs(r, ct)),
        On(MetaMethod.GetXattr, XattrRequest.Parser, r => to.GetXattr(r, ct)),
        On(MetaMethod.SetXattr, SetXattrRequest.Parser, r => to.SetXattr(r, ct)),
        On(MetaMethod.ListXattr, InodeRequest.Parser, r => to.ListXattr(r, ct)),
        On(MetaMethod.RemoveXattr, XattrRequest.Parser, r => to.RemoveXattr(r, ct)),
        On(MetaMethod.Append, AppendRequest.Parser, r => to.Append(r, ct)),
        On(MetaMethod.SetLock, LockRequestMessage.Parser, r => to.SetLock(r, ct)),
        On(MetaMethod.TestLock, LockRequestMessage.Parser, r => to.TestLock(r, ct)),
    ];

    private static KeyValuePair<ushort, Route> On<TRequest, TReply>(
        MetaMethod method, MessageParser<TRequest> parser, Func<TRequest, ValueTask<Result<TReply>>> handle)
        where TRequest : IMessage<TRequest>
        where TReply : class, IMessage<TReply>
    {
        return new((ushort)method, Run);

        ValueTask<Result<IMessage>> Run(ReadOnlySpan<byte> bytes)
        {
            TRequest request;
            try
            {
                request = parser.ParseFrom(bytes);
            }
            catch (InvalidProtocolBufferException e)
            {
                return new(new Status(StatusCode.ProtocolError, $"the {method} request cannot be read: {e.Message}"));
            }

            return As(handle(request));
        }

        static async ValueTask<Result<IMessage>> As(ValueTask<Result<TReply>> running)
        {
            var result = await running;
            return result.TryGet(out var reply) ? Of<IMessage>(reply) : result.Status;
        }
    }

    /// <summary>C# converts implicitly from a type parameter where it refuses to from an interface.</summary>
    private static Result<T> Of<T>(T value) => value;

    public void Dispose() => _buffers.Dispose();
}
