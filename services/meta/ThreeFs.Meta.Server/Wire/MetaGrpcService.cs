using Grpc.Core;
using ThreeFs.Base;
using ThreeFs.Protos;
using ThreeFs.Protos.Meta;

namespace ThreeFs.Meta.Server.Wire;

/// <summary>The metadata service over gRPC. A failure is told inside the reply; the call itself succeeds.</summary>
internal sealed class MetaGrpcService(MetaDispatcher to) : Protos.Meta.MetaService.MetaServiceBase
{
    public override Task<AttrReply> Resolve(ResolveRequest r, ServerCallContext c) => Reply(to.Resolve(r, c.CancellationToken));
    public override Task<AttrReply> Lookup(EntryRequest r, ServerCallContext c) => Reply(to.Lookup(r, c.CancellationToken));
    public override Task<AttrReply> GetAttr(InodeRequest r, ServerCallContext c) => Reply(to.GetAttr(r, c.CancellationToken));
    public override Task<BatchAttrReply> BatchGetAttr(BatchGetAttrRequest r, ServerCallContext c) => Reply(to.BatchGetAttr(r, c.CancellationToken));
    public override Task<AttrReply> SetAttr(SetAttrRequest r, ServerCallContext c) => Reply(to.SetAttr(r, c.CancellationToken));
    public override Task<StatusReply> Access(AccessRequest r, ServerCallContext c) => Reply(to.Access(r, c.CancellationToken));
    public override Task<OpenReply> Create(CreateRequest r, ServerCallContext c) => Reply(to.Create(r, c.CancellationToken));
    public override Task<AttrReply> MakeNode(MakeNodeRequest r, ServerCallContext c) => Reply(to.MakeNode(r, c.CancellationToken));
    public override Task<AttrReply> Link(LinkRequest r, ServerCallContext c) => Reply(to.Link(r, c.CancellationToken));
    public override Task<AttrReply> Unlink(UnlinkRequest r, ServerCallContext c) => Reply(to.Unlink(r, c.CancellationToken));
    public override Task<AttrReply> RemoveDirectory(EntryRequest r, ServerCallContext c) => Reply(to.RemoveDirectory(r, c.CancellationToken));
    public override Task<StatusReply> RemoveTree(EntryRequest r, ServerCallContext c) => Reply(to.RemoveTree(r, c.CancellationToken));
    public override Task<RenameReply> Rename(RenameRequest r, ServerCallContext c) => Reply(to.Rename(r, c.CancellationToken));
    public override Task<PageReply> ReadDirectory(ReadDirectoryRequest r, ServerCallContext c) => Reply(to.ReadDirectory(r, c.CancellationToken));
    public override Task<AttrReply> Open(OpenRequest r, ServerCallContext c) => Reply(to.Open(r, c.CancellationToken));
    public override Task<StatusReply> KeepOpen(KeepOpenRequest r, ServerCallContext c) => Reply(to.KeepOpen(r, c.CancellationToken));
    public override Task<AttrReply> Close(CloseRequest r, ServerCallContext c) => Reply(to.Close(r, c.CancellationToken));
    public override Task<AttrReply> Sync(SyncRequest r, ServerCallContext c) => Reply(to.Sync(r, c.CancellationToken));
    public override Task<AttrReply> Append(AppendRequest r, ServerCallContext c) => Reply(to.Append(r, c.CancellationToken));
    public override Task<LockReply> SetLock(LockRequestMessage r, ServerCallContext c) => Reply(to.SetLock(r, c.CancellationToken));
    public override Task<TestLockReply> TestLock(LockRequestMessage r, ServerCallContext c) => Reply(to.TestLock(r, c.CancellationToken));
    public override Task<StatusReply> PruneSessions(PruneSessionsRequest r, ServerCallContext c) => Reply(to.PruneSessions(r, c.CancellationToken));
    public override Task<StatusReply> Flush(FlushRequest r, ServerCallContext c) => Reply(to.Flush(r, c.CancellationToken));
    public override Task<SpaceReply> StatFs(StatFsRequest r, ServerCallContext c) => Reply(to.StatFs(r, c.CancellationToken));
    public override Task<BytesReply> GetXattr(XattrRequest r, ServerCallContext c) => Reply(to.GetXattr(r, c.CancellationToken));
    public override Task<StatusReply> SetXattr(SetXattrRequest r, ServerCallContext c) => Reply(to.SetXattr(r, c.CancellationToken));
    public override Task<NamesReply> ListXattr(InodeRequest r, ServerCallContext c) => Reply(to.ListXattr(r, c.CancellationToken));
    public override Task<StatusReply> RemoveXattr(XattrRequest r, ServerCallContext c) => Reply(to.RemoveXattr(r, c.CancellationToken));

    private static async Task<T> Reply<T>(ValueTask<Result<T>> running)
        where T : class, IReply, new()
    {
        var result = await running;
        var reply = result.TryGet(out var value) ? value : new T();
        reply.Status = result.Status.ToWire();
        return reply;
    }
}
