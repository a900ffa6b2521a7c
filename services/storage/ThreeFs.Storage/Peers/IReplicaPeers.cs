using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Storage.Peers;

/// <summary>
/// The other storage nodes, as one replica calls them. Calls start and complete on the replica's thread, never throw, and
/// answer the peer's code or the transport's. When a call has completed its memory is no longer used.
/// <see cref="UpdateAsync"/> and <see cref="QueryCommittedAsync"/> allocate nothing while the connection is open.
/// </summary>
/// <remarks>
/// Updates to one node arrive there in the order they were started, over one connection; after a broken connection the next one
/// carries a larger <see cref="UpdateRequest.ForwardEpoch"/>, which the implementation fills in.
/// </remarks>
public interface IReplicaPeers
{
    ValueTask<UpdateResult> UpdateAsync(NodeInfo node, UpdateRequest request, IoSlices payload, TimeSpan timeout, CancellationToken ct);

    ValueTask<UpdateResult> QueryCommittedAsync(NodeInfo node, QueryCommittedRequest request, TimeSpan timeout);

    /// <summary>Says that all chunks were sent, with the last update of each channel.</summary>
    ValueTask<UpdateResult> SyncDoneAsync(
        NodeInfo node, VersionedChain chain, TargetId target, ChannelUpdate[] channels, TimeSpan timeout);

    ValueTask<Result<ChunkPage>> ListChunksAsync(NodeInfo node, ListChunksRequest request, TimeSpan timeout, CancellationToken ct);

    /// <summary>Reads one piece into the destination; the bytes are checked against the answer's checksum.</summary>
    ValueTask<ReadResult> ReadAsync(NodeInfo node, ReadOp op, ReadFlags flags, IoSlices destination, TimeSpan timeout);
}

/// <param name="IsLast">No chunk follows.</param>
public sealed record ChunkPage(ImmutableArray<ChunkMeta> Chunks, bool IsLast);
