using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Contracts.Routing;
using ThreeFs.Protos;
using ThreeFs.Protos.Meta;
using ThreeFs.Transport;

namespace ThreeFs.Client.Meta;

/// <summary>
/// The metadata service as a client process sees it: the same contract, answered by whichever metadata server of the routing is
/// alive. A server's death costs time, never an error: requests are repeated with the same request id until the deadline, and
/// the servers apply a repeated mutation once. Completes on a reactor's thread; thread-safe.
/// </summary>
public sealed class MetaClient : IMetaService, IAsyncDisposable
{
    /// <summary>Most entries asked for in one page: what certainly fits the buffer of an answer.</summary>
    public const int MaxPageEntries = 4096;

    private const int BytesPerEntry = 400;
    private const int MaxReplySpace = 4 << 20;
    private const int XattrReplySpace = 128 << 10;

    private static readonly CallShape _records = new();
    private static readonly CallShape _storage = new(AsksStorage: true);
    private static readonly CallShape _xattr = new(ReplySpace: XattrReplySpace);

    private readonly MetaCaller _caller;

    public MetaClient(
        ITransport transport, IRoutingSource routing, MetaClientOptions options, TimeProvider time, SeededRandom random) =>
        _caller = new MetaCaller(transport, routing, options, time, random);

    public ValueTask<Result<InodeAttr>> ResolveAsync(
        MetaContext context, InodeId start, ReadOnlyMemory<byte> path, bool followLast, CancellationToken ct) =>
        AttrAsync(MetaMethod.Resolve, new ResolveRequest
        {
            Context = MetaMapper.ToProto(context), Start = start.Value, Path = MetaMapper.ToBytes(path), FollowLast = followLast,
        }, _records, ct);

    public ValueTask<Result<InodeAttr>> LookupAsync(MetaContext context, InodeId parent, FileName name, CancellationToken ct) =>
        AttrAsync(MetaMethod.Lookup, Entry(context, parent, name), _records, ct);

    public ValueTask<Result<InodeAttr>> GetAttrAsync(MetaContext context, InodeId inode, CancellationToken ct) =>
        AttrAsync(MetaMethod.GetAttr, Inode(context, inode), _records, ct);

    public async ValueTask<Result<ImmutableArray<Result<InodeAttr>>>> BatchGetAttrAsync(
        MetaContext context, ImmutableArray<InodeId> inodes, CancellationToken ct)
    {
        var request = new BatchGetAttrRequest { Context = MetaMapper.ToProto(context) };
        foreach (var inode in inodes) request.Inodes.Add(inode.Value);
        var shape = new CallShape(ReplySpace: ReplySpaceFor(inodes.Length));
        var reply = await _caller.CallAsync(MetaMethod.BatchGetAttr, request, BatchAttrReply.Parser, shape, ct);
        if (!reply.TryGet(out var message)) return reply.Status;
        if (message.Items.Count != inodes.Length) return Unreadable(MetaMethod.BatchGetAttr);
        return message.Items.Select(ToResult).ToImmutableArray();
    }

    public ValueTask<Result<InodeAttr>> SetAttrAsync(MetaContext context, InodeId inode, AttrChange change, CancellationToken ct) =>
        AttrAsync(MetaMethod.SetAttr, new SetAttrRequest
        {
            Context = MetaMapper.ToProto(context), Inode = inode.Value, Change = MetaMapper.ToProto(change),
        }, change.Mask.HasFlag(SetAttrMask.Length) ? _storage : _records, ct);

    public ValueTask<Status> AccessAsync(MetaContext context, InodeId inode, AccessMode mode, CancellationToken ct) =>
        StatusAsync(MetaMethod.Access, new AccessRequest
        {
            Context = MetaMapper.ToProto(context), Inode = inode.Value, Mode = (uint)mode,
        }, _records, ct);

    public async ValueTask<Result<OpenResult>> CreateAsync(
        MetaContext context, InodeId parent, FileName name, NewInode file, OpenFlags flags, SessionId session, CancellationToken ct)
    {
        var request = new CreateRequest
        {
            Context = MetaMapper.ToProto(context),
            Parent = parent.Value,
            Name = MetaMapper.ToBytes(name),
            File = MetaMapper.ToProto(file),
            Flags = (uint)flags,
            Session = MetaMapper.ToBytes(session.Value),
        };
        var shape = flags.HasFlag(OpenFlags.Truncate) ? _storage : _records;
        var reply = await _caller.CallAsync(MetaMethod.Create, request, OpenReply.Parser, shape, ct);
        if (!reply.TryGet(out var message)) return reply.Status;
        return MetaMapper.FromProto(message.Attr) is { } attr ? new OpenResult(attr, message.Created) : Unreadable(MetaMethod.Create);
    }

    public ValueTask<Result<InodeAttr>> MakeNodeAsync(
        MetaContext context, InodeId parent, FileName name, NewInode node, CancellationToken ct) =>
        AttrAsync(MetaMethod.MakeNode, new MakeNodeRequest
        {
            Context = MetaMapper.ToProto(context),
            Parent = parent.Value,
            Name = MetaMapper.ToBytes(name),
            Node = MetaMapper.ToProto(node),
        }, _records, ct);

    public ValueTask<Result<InodeAttr>> LinkAsync(
        MetaContext context, InodeId inode, InodeId newParent, FileName newName, CancellationToken ct) =>
        AttrAsync(MetaMethod.Link, new LinkRequest
        {
            Context = MetaMapper.ToProto(context),
            Inode = inode.Value,
            NewParent = newParent.Value,
            NewName = MetaMapper.ToBytes(newName),
        }, _records, ct);

    public ValueTask<Result<InodeAttr>> UnlinkAsync(
        MetaContext context, InodeId parent, FileName name, SessionId? keepOpenFor, CancellationToken ct)
    {
        var request = new UnlinkRequest
        {
            Context = MetaMapper.ToProto(context), Parent = parent.Value, Name = MetaMapper.ToBytes(name),
        };
        if (keepOpenFor is { } session) request.KeepOpenFor = MetaMapper.ToBytes(session.Value);
        return AttrAsync(MetaMethod.Unlink, request, _records, ct);
    }

    public ValueTask<Result<InodeAttr>> RemoveDirectoryAsync(
        MetaContext context, InodeId parent, FileName name, CancellationToken ct) =>
        AttrAsync(MetaMethod.RemoveDirectory, Entry(context, parent, name), _records, ct);

    public ValueTask<Status> RemoveTreeAsync(MetaContext context, InodeId parent, FileName name, CancellationToken ct) =>
        StatusAsync(MetaMethod.RemoveTree, Entry(context, parent, name), _records, ct);

    public async ValueTask<Result<RenameResult>> RenameAsync(
        MetaContext context, InodeId parent, FileName name, InodeId newParent, FileName newName, RenameFlags flags, CancellationToken ct)
    {
        var request = new RenameRequest
        {
            Context = MetaMapper.ToProto(context),
            Parent = parent.Value,
            Name = MetaMapper.ToBytes(name),
            NewParent = newParent.Value,
            NewName = MetaMapper.ToBytes(newName),
            Flags = (uint)flags,
        };
        var reply = await _caller.CallAsync(MetaMethod.Rename, request, RenameReply.Parser, _records, ct);
        if (!reply.TryGet(out var message)) return reply.Status;
        return MetaMapper.FromProto(message.Moved) is { } moved
            ? new RenameResult(moved, MetaMapper.FromProto(message.Replaced))
            : Unreadable(MetaMethod.Rename);
    }

    public async ValueTask<Result<DirPage>> ReadDirectoryAsync(
        MetaContext context, InodeId directory, FileName? after, int limit, bool withAttr, CancellationToken ct)
    {
        limit = Math.Clamp(limit, 1, MaxPageEntries);
        var request = new ReadDirectoryRequest
        {
            Context = MetaMapper.ToProto(context), Directory = directory.Value, Limit = (uint)limit, WithAttr = withAttr,
        };
        if (after is { } name) request.After = MetaMapper.ToBytes(name);
        var shape = new CallShape(ReplySpace: ReplySpaceFor(limit));
        var reply = await _caller.CallAsync(MetaMethod.ReadDirectory, request, PageReply.Parser, shape, ct);
        return reply.TryGet(out var page) ? MetaMapper.FromProto(page) : reply.Status;
    }

    public ValueTask<Result<InodeAttr>> OpenAsync(
        MetaContext context, InodeId inode, OpenFlags flags, SessionId session, CancellationToken ct) =>
        AttrAsync(MetaMethod.Open, new OpenRequest
        {
            Context = MetaMapper.ToProto(context),
            Inode = inode.Value,
            Flags = (uint)flags,
            Session = MetaMapper.ToBytes(session.Value),
        }, flags.HasFlag(OpenFlags.Truncate) ? _storage : _records, ct);

    public ValueTask<Status> KeepOpenAsync(MetaContext context, InodeId inode, SessionId session, CancellationToken ct) =>
        StatusAsync(MetaMethod.KeepOpen, new KeepOpenRequest
        {
            Context = MetaMapper.ToProto(context), Inode = inode.Value, Session = MetaMapper.ToBytes(session.Value),
        }, _records, ct);

    public ValueTask<Result<InodeAttr>> CloseAsync(
        MetaContext context, InodeId inode, SessionId session, LengthHint hint, CancellationToken ct) =>
        AttrAsync(MetaMethod.Close, new CloseRequest
        {
            Context = MetaMapper.ToProto(context),
            Inode = inode.Value,
            Session = MetaMapper.ToBytes(session.Value),
            Hint = MetaMapper.ToProto(hint),
        }, _storage, ct);

    public ValueTask<Result<InodeAttr>> SyncAsync(
        MetaContext context, InodeId inode, LengthHint hint, bool durable, CancellationToken ct) =>
        AttrAsync(MetaMethod.Sync, new SyncRequest
        {
            Context = MetaMapper.ToProto(context), Inode = inode.Value, Hint = MetaMapper.ToProto(hint), Durable = durable,
        }, _storage, ct);

    public ValueTask<Result<InodeAttr>> AppendAsync(MetaContext context, InodeId inode, long count, CancellationToken ct) =>
        AttrAsync(MetaMethod.Append, new AppendRequest
        {
            Context = MetaMapper.ToProto(context), Inode = inode.Value, Count = count,
        }, _storage, ct);

    public async ValueTask<Result<LockAnswer>> SetLockAsync(
        MetaContext context, InodeId inode, LockRequest request, CancellationToken ct)
    {
        var message = MetaMapper.ToProto(context, inode, request);
        var reply = await _caller.CallAsync(MetaMethod.SetLock, message, LockReply.Parser, _records, ct);
        return reply.TryGet(out var answer) ? new LockAnswer(answer.Granted, MetaMapper.FromProto(answer.Attr)) : reply.Status;
    }

    public async ValueTask<Result<FileLock?>> TestLockAsync(
        MetaContext context, InodeId inode, LockRequest request, CancellationToken ct)
    {
        var message = MetaMapper.ToProto(context, inode, request);
        var reply = await _caller.CallAsync(MetaMethod.TestLock, message, TestLockReply.Parser, _records, ct);
        return reply.TryGet(out var answer) ? MetaMapper.FromProto(answer.Conflict) : reply.Status;
    }

    public ValueTask<Status> PruneSessionsAsync(MetaContext context, ImmutableArray<SessionId> sessions, CancellationToken ct)
    {
        var request = new PruneSessionsRequest { Context = MetaMapper.ToProto(context) };
        foreach (var session in sessions) request.Sessions.Add(MetaMapper.ToBytes(session.Value));
        return StatusAsync(MetaMethod.PruneSessions, request, _storage, ct);
    }

    public ValueTask<Status> FlushAsync(MetaContext context, CancellationToken ct) =>
        StatusAsync(MetaMethod.Flush, new FlushRequest { Context = MetaMapper.ToProto(context) }, _records, ct);

    public async ValueTask<Result<FileSystemSpace>> StatFsAsync(MetaContext context, CancellationToken ct)
    {
        var request = new StatFsRequest { Context = MetaMapper.ToProto(context) };
        var reply = await _caller.CallAsync(MetaMethod.StatFs, request, SpaceReply.Parser, _records, ct);
        return reply.TryGet(out var space) ? MetaMapper.FromProto(space) : reply.Status;
    }

    public async ValueTask<Result<ReadOnlyMemory<byte>>> GetXattrAsync(
        MetaContext context, InodeId inode, FileName name, CancellationToken ct)
    {
        var reply = await _caller.CallAsync(MetaMethod.GetXattr, Xattr(context, inode, name), BytesReply.Parser, _xattr, ct);
        return reply.TryGet(out var message) ? message.Value.Memory : reply.Status;
    }

    public ValueTask<Status> SetXattrAsync(
        MetaContext context, InodeId inode, FileName name, ReadOnlyMemory<byte> value, int mode, CancellationToken ct) =>
        StatusAsync(MetaMethod.SetXattr, new SetXattrRequest
        {
            Context = MetaMapper.ToProto(context),
            Inode = inode.Value,
            Name = MetaMapper.ToBytes(name),
            Value = MetaMapper.ToBytes(value),
            Mode = (uint)mode,
        }, _records, ct);

    public async ValueTask<Result<ImmutableArray<FileName>>> ListXattrAsync(
        MetaContext context, InodeId inode, CancellationToken ct)
    {
        var reply = await _caller.CallAsync(MetaMethod.ListXattr, Inode(context, inode), NamesReply.Parser, _xattr, ct);
        return reply.TryGet(out var message) ? message.Names.Select(MetaMapper.ToName).ToImmutableArray() : reply.Status;
    }

    public ValueTask<Status> RemoveXattrAsync(MetaContext context, InodeId inode, FileName name, CancellationToken ct) =>
        StatusAsync(MetaMethod.RemoveXattr, Xattr(context, inode, name), _records, ct);

    public ValueTask DisposeAsync() => _caller.DisposeAsync();

    private async ValueTask<Result<InodeAttr>> AttrAsync(
        MetaMethod method, Google.Protobuf.IMessage request, CallShape shape, CancellationToken ct)
    {
        var reply = await _caller.CallAsync(method, request, AttrReply.Parser, shape, ct);
        if (!reply.TryGet(out var message)) return reply.Status;
        return MetaMapper.FromProto(message.Attr) is { } attr ? attr : Unreadable(method);
    }

    private async ValueTask<Status> StatusAsync(
        MetaMethod method, Google.Protobuf.IMessage request, CallShape shape, CancellationToken ct) =>
        (await _caller.CallAsync(method, request, StatusReply.Parser, shape, ct)).Status;

    private static EntryRequest Entry(MetaContext context, InodeId parent, FileName name) => new()
    {
        Context = MetaMapper.ToProto(context), Parent = parent.Value, Name = MetaMapper.ToBytes(name),
    };

    private static InodeRequest Inode(MetaContext context, InodeId inode) => new()
    {
        Context = MetaMapper.ToProto(context), Inode = inode.Value,
    };

    private static XattrRequest Xattr(MetaContext context, InodeId inode, FileName name) => new()
    {
        Context = MetaMapper.ToProto(context), Inode = inode.Value, Name = MetaMapper.ToBytes(name),
    };

    private static Result<InodeAttr> ToResult(AttrReply reply)
    {
        var status = reply.Status.ToStatus();
        if (!status.IsOk) return status;
        return MetaMapper.FromProto(reply.Attr) is { } attr ? attr : Unreadable(MetaMethod.BatchGetAttr);
    }

    private static int ReplySpaceFor(int entries) => Math.Clamp(entries * BytesPerEntry, 64 << 10, MaxReplySpace);

    private static Status Unreadable(MetaMethod method) => new(StatusCode.ProtocolError, $"the answer to {method} lacks its content");
}
