using ThreeFs.Base;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.Craq;

namespace ThreeFs.Storage.Targets;

/// <summary>The engine's words for a chunk in the protocol's.</summary>
internal static class ChunkStates
{
    public static ReplicaChunk ToReplicaChunk(in this ChunkState state) => new(state.Committed.ToContent(), state.Pending.ToContent());

    public static Content ToContent(in this ContentState state) =>
        new(state.Version, state.Length, state.Crc, state.Tag, state.IsRemove);

    public static ReplicaChunk Chunk(this ChunkStore store, ChunkId chunk) =>
        store.TryGet(chunk, out var state) ? state.ToReplicaChunk() : default;

    public static UpdateResult ToResult(in this Content content, StatusCode code, ChainVersion chain) => new(
        code, content.Version, new CommitVersion(content.Version.Value), content.Length, content.Crc, chain);
}
