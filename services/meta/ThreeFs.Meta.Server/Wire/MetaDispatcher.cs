using System.Collections.Immutable;
using Google.Protobuf;
using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Protos;
using ThreeFs.Protos.Meta;

namespace ThreeFs.Meta.Server.Wire;

/// <summary>
/// From request message to reply message, whatever carried it. Refuses only what cannot be expressed in the contract; all other checks
/// are the service's.
/// </summary>
internal sealed class MetaDispatcher(IMetaService service)
{
    private const int MaxBatch = 4096;

    public ValueTask<Result<AttrReply>> Resolve(ResolveRequest r, CancellationToken ct) => AttrAsync(r.Context, context =>
        service.ResolveAsync(context, new InodeId(r.Start), r.Path.Memory, r.FollowLast, ct));

    public ValueTask<Result<AttrReply>> Lookup(EntryRequest r, CancellationToken ct) => AttrAsync(r.Context, context =>
        service.LookupAsync(context, new InodeId(r.Parent), MetaMapper.ToName(r.Name), ct));

    public ValueTask<Result<AttrReply>> GetAttr(InodeRequest r, CancellationToken ct) => AttrAsync(r.Context, context =>
        service.GetAttrAsync(context, new InodeId(r.Inode), ct));

    public async ValueTask<Result<BatchAttrReply>> BatchGetAttr(BatchGetAttrRequest r, CancellationToken ct)
    {
        var context = MetaMapper.FromProto(r.Context);
        if (!context.IsOk) return context.Status;
        var inodes = r.Inodes.Select(i => new InodeId(i)).ToImmutableArray();
        var result = await service.BatchGetAttrAsync(context.Value, inodes, ct);
        if (!result.TryGet(out var items)) return result.Status;
        var reply = new BatchAttrReply();
        foreach (var item in items)
        {
            var attr = item.TryGet(out var found) ? MetaMapper.ToProto(found) : null;
            reply.Items.Add(new AttrReply { Status = item.Status.ToWire(), Attr = attr });
        }

        return reply;
    }

    public ValueTask<Result<AttrReply>> SetAttr(SetAttrRequest r, CancellationToken ct) => AttrAsync(r.Context, context =>
        service.SetAttrAsync(context, new InodeId(r.Inode), MetaMapper.FromProto(r.Change), ct));

    public ValueTask<Result<StatusReply>> Access(AccessRequest r, CancellationToken ct) => StatusAsync(r.Context, context =>
        service.AccessAsync(context, new InodeId(r.Inode), (AccessMode)(r.Mode & 7), ct));

    public async ValueTask<Result<OpenReply>> Create(CreateRequest r, CancellationToken ct)
    {
        var context = MetaMapper.FromProto(r.Context);
        if (!context.IsOk) return context.Status;
        if (!MetaMapper.TryReadId(r.Session, out var session)) return BadSession;
        var result = await service.CreateAsync(
            context.Value, new InodeId(r.Parent), MetaMapper.ToName(r.Name), MetaMapper.FromProto(r.File), (OpenFlags)r.Flags,
            new SessionId(session), ct);
        return result.TryGet(out var opened)
            ? new OpenReply { Attr = MetaMapper.ToProto(opened.Attr), Created = opened.Created }
            : result.Status;
    }

    public ValueTask<Result<AttrReply>> MakeNode(MakeNodeRequest r, CancellationToken ct) => AttrAsync(r.Context, context =>
        service.MakeNodeAsync(context, new InodeId(r.Parent), MetaMapper.ToName(r.Name), MetaMapper.FromProto(r.Node), ct));

    public ValueTask<Result<AttrReply>> Link(LinkRequest r, CancellationToken ct) => AttrAsync(r.Context, context =>
        service.LinkAsync(context, new InodeId(r.Inode), new InodeId(r.NewParent), MetaMapper.ToName(r.NewName), ct));

    public async ValueTask<Result<AttrReply>> Unlink(UnlinkRequest r, CancellationToken ct)
    {
        SessionId? keep = null;
        if (!r.KeepOpenFor.IsEmpty)
        {
            if (!MetaMapper.TryReadId(r.KeepOpenFor, out var session)) return BadSession;
            keep = new SessionId(session);
        }

        return await AttrAsync(r.Context, context =>
            service.UnlinkAsync(context, new InodeId(r.Parent), MetaMapper.ToName(r.Name), keep, ct));
    }

    public ValueTask<Result<AttrReply>> RemoveDirectory(EntryRequest r, CancellationToken ct) => AttrAsync(r.Context, context =>
        service.RemoveDirectoryAsync(context, new InodeId(r.Parent), MetaMapper.ToName(r.Name), ct));

    public ValueTask<Result<StatusReply>> RemoveTree(EntryRequest r, CancellationToken ct) => StatusAsync(r.Context, context =>
        service.RemoveTreeAsync(context, new InodeId(r.Parent), MetaMapper.ToName(r.Name), ct));

    public async ValueTask<Result<RenameReply>> Rename(RenameRequest r, CancellationToken ct)
    {
        var context = MetaMapper.FromProto(r.Context);
        if (!context.IsOk) return context.Status;
        var result = await service.RenameAsync(
            context.Value, new InodeId(r.Parent), MetaMapper.ToName(r.Name), new InodeId(r.NewParent),
            MetaMapper.ToName(r.NewName), (RenameFlags)r.Flags, ct);
        return result.TryGet(out var renamed)
            ? new RenameReply { Moved = MetaMapper.ToProto(renamed.Moved), Replaced = MetaMapper.ToProto(renamed.Replaced) }
            : result.Status;
    }

    public async ValueTask<Result<PageReply>> ReadDirectory(ReadDirectoryRequest r, CancellationToken ct)
    {
        var context = MetaMapper.FromProto(r.Context);
        if (!context.IsOk) return context.Status;
        FileName? after = r.After.IsEmpty ? null : MetaMapper.ToName(r.After);
        var limit = (int)Math.Min(r.Limit, MaxBatch);
        var result = await service.ReadDirectoryAsync(context.Value, new InodeId(r.Directory), after, limit, r.WithAttr, ct);
        return result.TryGet(out var page) ? MetaMapper.ToProto(page) : result.Status;
    }

    public async ValueTask<Result<AttrReply>> Open(OpenRequest r, CancellationToken ct)
    {
        if (!MetaMapper.TryReadId(r.Session, out var session)) return BadSession;
        return await AttrAsync(r.Context, context =>
            service.OpenAsync(context, new InodeId(r.Inode), (OpenFlags)r.Flags, new SessionId(session), ct));
    }

    public async ValueTask<Result<StatusReply>> KeepOpen(KeepOpenRequest r, CancellationToken ct)
    {
        if (!MetaMapper.TryReadId(r.Session, out var session)) return BadSession;
        return await StatusAsync(r.Context, context =>
            service.KeepOpenAsync(context, new InodeId(r.Inode), new SessionId(session), ct));
    }

    public async ValueTask<Result<AttrReply>> Close(CloseRequest r, CancellationToken ct)
    {
        if (!MetaMapper.TryReadId(r.Session, out var session)) return BadSession;
        return await AttrAsync(r.Context, context => service.CloseAsync(
            context, new InodeId(r.Inode), new SessionId(session), MetaMapper.FromProto(r.Hint), ct));
    }

    public ValueTask<Result<AttrReply>> Sync(SyncRequest r, CancellationToken ct) => AttrAsync(r.Context, context =>
        service.SyncAsync(context, new InodeId(r.Inode), MetaMapper.FromProto(r.Hint), r.Durable, ct));

    public ValueTask<Result<AttrReply>> Append(AppendRequest r, CancellationToken ct) => AttrAsync(r.Context, context =>
        service.AppendAsync(context, new InodeId(r.Inode), r.Count, ct));

    public async ValueTask<Result<LockReply>> SetLock(LockRequestMessage r, CancellationToken ct)
    {
        var context = MetaMapper.FromProto(r.Context);
        if (!context.IsOk) return context.Status;
        var result = await service.SetLockAsync(context.Value, new InodeId(r.Inode), MetaMapper.FromProto(r), ct);
        return result.TryGet(out var answer)
            ? new LockReply { Granted = answer.Granted, Attr = MetaMapper.ToProto(answer.Attr) }
            : result.Status;
    }

    public async ValueTask<Result<TestLockReply>> TestLock(LockRequestMessage r, CancellationToken ct)
    {
        var context = MetaMapper.FromProto(r.Context);
        if (!context.IsOk) return context.Status;
        var result = await service.TestLockAsync(context.Value, new InodeId(r.Inode), MetaMapper.FromProto(r), ct);
        return result.TryGet(out var held) ? new TestLockReply { Conflict = MetaMapper.ToProto(held) } : result.Status;
    }

    public async ValueTask<Result<StatusReply>> PruneSessions(PruneSessionsRequest r, CancellationToken ct)
    {
        var sessions = ImmutableArray.CreateBuilder<SessionId>(r.Sessions.Count);
        foreach (var bytes in r.Sessions)
        {
            if (!MetaMapper.TryReadId(bytes, out var session)) return BadSession;
            sessions.Add(new SessionId(session));
        }

        return await StatusAsync(r.Context, context => service.PruneSessionsAsync(context, sessions.MoveToImmutable(), ct));
    }

    public ValueTask<Result<StatusReply>> Flush(FlushRequest r, CancellationToken ct) => StatusAsync(r.Context, context =>
        service.FlushAsync(context, ct));

    public async ValueTask<Result<SpaceReply>> StatFs(StatFsRequest r, CancellationToken ct)
    {
        var context = MetaMapper.FromProto(r.Context);
        if (!context.IsOk) return context.Status;
        var result = await service.StatFsAsync(context.Value, ct);
        return result.TryGet(out var space) ? MetaMapper.ToProto(space) : result.Status;
    }

    public async ValueTask<Result<BytesReply>> GetXattr(XattrRequest r, CancellationToken ct)
    {
        var context = MetaMapper.FromProto(r.Context);
        if (!context.IsOk) return context.Status;
        var result = await service.GetXattrAsync(context.Value, new InodeId(r.Inode), MetaMapper.ToName(r.Name), ct);
        return result.TryGet(out var value) ? new BytesReply { Value = MetaMapper.ToBytes(value) } : result.Status;
    }

    public ValueTask<Result<StatusReply>> SetXattr(SetXattrRequest r, CancellationToken ct) => StatusAsync(r.Context, context =>
        service.SetXattrAsync(context, new InodeId(r.Inode), MetaMapper.ToName(r.Name), r.Value.Memory, (int)r.Mode, ct));

    public async ValueTask<Result<NamesReply>> ListXattr(InodeRequest r, CancellationToken ct)
    {
        var context = MetaMapper.FromProto(r.Context);
        if (!context.IsOk) return context.Status;
        var result = await service.ListXattrAsync(context.Value, new InodeId(r.Inode), ct);
        if (!result.TryGet(out var names)) return result.Status;
        var reply = new NamesReply();
        reply.Names.AddRange(names.Select(MetaMapper.ToBytes));
        return reply;
    }

    public ValueTask<Result<StatusReply>> RemoveXattr(XattrRequest r, CancellationToken ct) => StatusAsync(r.Context, context =>
        service.RemoveXattrAsync(context, new InodeId(r.Inode), MetaMapper.ToName(r.Name), ct));

    private static Status BadSession => new(StatusCode.InvalidArgument, "a session id is 16 bytes");

    private static async ValueTask<Result<AttrReply>> AttrAsync(
        Context? wire, Func<MetaContext, ValueTask<Result<InodeAttr>>> call)
    {
        var context = MetaMapper.FromProto(wire);
        if (!context.IsOk) return context.Status;
        var result = await call(context.Value);
        return result.TryGet(out var attr) ? new AttrReply { Attr = MetaMapper.ToProto(attr) } : result.Status;
    }

    private static async ValueTask<Result<StatusReply>> StatusAsync(Context? wire, Func<MetaContext, ValueTask<Status>> call)
    {
        var context = MetaMapper.FromProto(wire);
        if (!context.IsOk) return context.Status;
        var status = await call(context.Value);
        return status.IsOk ? new StatusReply() : status;
    }
}
