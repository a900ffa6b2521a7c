using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;
using ThreeFs.Sim.World;
using ThreeFs.Storage.ChunkEngine.Channels;
using ThreeFs.Storage.Targets;
using ThreeFs.Transport;

namespace ThreeFs.Sim.Nodes;

/// <summary>Looks at the requests that reach a storage server: which rare cases they are, and for the timeline.</summary>
internal sealed class WatchedHandler(IServerHandler inner, SimCluster cluster, string name, ReplicaSet replicas) : IServerHandler
{
    private readonly SimWorld _world = cluster.World;

    public Status Accept(ServerRequest request) => inner.Accept(request);

    public async ValueTask<Reply> HandleAsync(ServerRequest request)
    {
        if ((StorageMethod)request.Method is StorageMethod.Write or StorageMethod.Update) Look(request);
        var what = Describe(request);
        if (what is null) return await inner.HandleAsync(request);
        _world.Timeline.Write(name, $"gets {what}");
        var reply = await inner.HandleAsync(request);
        _world.Timeline.Write(name, $"answers {what}: {reply.Status.Code}");
        return reply;
    }

    public void ConnectionOpened(ServerConnection connection) => inner.ConnectionOpened(connection);

    public void ConnectionClosed(ServerConnection connection, Status reason) => inner.ConnectionClosed(connection, reason);

    private void Look(ServerRequest request)
    {
        if (StorageCodec.ReadUpdateRequest(request.Header, out var update) != StatusCode.Ok) return;
        if (replicas.Find(update.Chain.Id) is not { } replica) return;
        if (!replica.HoldsLease && replica.Services.Lease.IsHeld) _world.Timeline.Probe("update: before a new lease counts");
        if ((StorageMethod)request.Method == StorageMethod.Update)
        {
            if (replica.Place.State == TargetState.Syncing && update.Kind == UpdateKind.Replace && update.CommittedBase.Value < update.Version.Value)
                _world.Timeline.Probe("update: to a target that syncs");
            return;
        }

        if (cluster.FirstSeen.TryAdd(update.Tag, this)) return;
        if (replica.Store.Channels.Look(update.Tag, update.Chunk, out _) != ChannelVerdict.Repeated) return;
        var first = cluster.FirstSeen[update.Tag];
        _world.Timeline.Probe(first == this ? "update: repeated" : first.Name == Name ? "update: repeated after a restart" : "update: repeated after a failover");
    }

    private string Name => name;

    private string? Describe(ServerRequest request)
    {
        if (cluster.Watched is not { } inode) return null;
        var method = (StorageMethod)request.Method;
        switch (method)
        {
            case StorageMethod.Write or StorageMethod.Update:
                if (StorageCodec.ReadUpdateRequest(request.Header, out var update) != StatusCode.Ok || update.Chunk.Inode != inode) return null;
                var local = replicas.Find(update.Chain.Id)?.Standing.Local;
                return $"{method} {update} on {request.Connection.Peer} at {replicas.Find(update.Chain.Id)?.Place}, {local}";
            case StorageMethod.RemoveChunks:
                return StorageRequestCodec.Read(request.Header, out RemoveChunksRequest removal) == StatusCode.Ok && removal.Inode == inode
                    ? $"{removal}"
                    : null;
            case StorageMethod.QueryLast:
                return StorageRequestCodec.Read(request.Header, out QueryLastRequest query) == StatusCode.Ok && query.Inode == inode ? $"{query}" : null;
            default:
                return null;
        }
    }
}
