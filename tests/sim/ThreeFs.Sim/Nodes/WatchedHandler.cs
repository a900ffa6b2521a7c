using ThreeFs.Base;
using ThreeFs.Contracts.Storage;
using ThreeFs.Sim.World;
using ThreeFs.Storage.Targets;
using ThreeFs.Transport;

namespace ThreeFs.Sim.Nodes;

/// <summary>Looks at the requests that reach a storage server, for the timeline.</summary>
/// <param name="watched">The inode whose updates are written down.</param>
internal sealed class WatchedHandler(IServerHandler inner, SimWorld world, string name, ReplicaSet replicas, InodeId? watched) : IServerHandler
{
    public Status Accept(ServerRequest request) => inner.Accept(request);

    public async ValueTask<Reply> HandleAsync(ServerRequest request)
    {
        var what = Describe(request);
        if (what is null) return await inner.HandleAsync(request);
        world.Timeline.Write(name, $"gets {what}");
        var reply = await inner.HandleAsync(request);
        world.Timeline.Write(name, $"answers {what}: {reply.Status.Code}");
        return reply;
    }

    public void ConnectionOpened(ServerConnection connection) => inner.ConnectionOpened(connection);

    public void ConnectionClosed(ServerConnection connection, Status reason) => inner.ConnectionClosed(connection, reason);

    private string? Describe(ServerRequest request)
    {
        if (watched is not { } inode) return null;
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
