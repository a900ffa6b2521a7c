using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.Peers;
using ThreeFs.Storage.Targets;

namespace ThreeFs.Sim.Faults;

/// <summary>Takes every update as committed by the successor as soon as it was sent.</summary>
internal sealed class EarlyPeers(IReplicaPeers inner, ReplicaSet replicas) : IReplicaPeers
{
    public ValueTask<UpdateResult> UpdateAsync(
        NodeInfo node, UpdateRequest request, IoSlices payload, TimeSpan timeout, CancellationToken ct)
    {
        var sending = inner.UpdateAsync(node, request, payload, timeout, ct);
        var replica = replicas.Find(request.Chain.Id);
        if (replica is null || replica.Place.SuccessorIsSyncing) return sending;
        _ = sending.AsTask();
        if (!replica.Store.TryGet(request.Chunk, out var state) || !state.HasPending) return new(default(UpdateResult));
        var pending = state.Pending;
        return new(new UpdateResult(
            StatusCode.Ok, request.Version, new CommitVersion(request.Version.Value), pending.Length, pending.Crc, request.Chain.Version));
    }

    public ValueTask<UpdateResult> QueryCommittedAsync(NodeInfo node, QueryCommittedRequest request, TimeSpan timeout) =>
        inner.QueryCommittedAsync(node, request, timeout);

    public ValueTask<UpdateResult> SyncDoneAsync(
        NodeInfo node, VersionedChain chain, TargetId target, ChannelUpdate[] channels, TimeSpan timeout) =>
        inner.SyncDoneAsync(node, chain, target, channels, timeout);

    public ValueTask<Result<ChunkPage>> ListChunksAsync(NodeInfo node, ListChunksRequest request, TimeSpan timeout, CancellationToken ct) =>
        inner.ListChunksAsync(node, request, timeout, ct);

    public ValueTask<ReadResult> ReadAsync(NodeInfo node, ReadOp op, ReadFlags flags, IoSlices destination, TimeSpan timeout) =>
        inner.ReadAsync(node, op, flags, destination, timeout);
}
