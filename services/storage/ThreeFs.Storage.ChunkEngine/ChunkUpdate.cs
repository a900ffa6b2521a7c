using ThreeFs.Base;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Storage.ChunkEngine;

/// <summary>One update of one chunk, as <see cref="ChunkStore.PrepareAsync"/> takes it.</summary>
/// <param name="Offset">Write: first byte in the chunk.</param>
/// <param name="Length">Write, Replace: bytes of payload. Truncate, Extend: the length to have.</param>
/// <param name="ChunkSize">Largest length the chunk may have; at most 64 MiB.</param>
/// <param name="Crc">CRC-32C of the payload; checked.</param>
/// <param name="Version">The version to make. 0: the committed one plus one. Any is taken with Replace.</param>
/// <param name="ChainVersion">Kept with the pending content.</param>
/// <param name="SupersedePending">Drops another pending update of the chunk first, instead of being refused.</param>
public readonly record struct ChunkUpdate(
    ChunkId Chunk,
    UpdateKind Kind,
    uint Offset,
    uint Length,
    uint ChunkSize,
    uint Crc,
    UpdateTag Tag,
    UpdateVersion Version,
    ChainVersion ChainVersion,
    bool SupersedePending = false)
{
    /// <summary>The update of a request, with the version that this replica gives it or was told.</summary>
    public static ChunkUpdate From(in UpdateRequest r, UpdateVersion version, bool supersedePending = false) => new(
        r.Chunk, r.Kind, r.Offset, r.Length, r.ChunkSize, r.Crc, r.Tag, version, r.Chain.Version, supersedePending);
}
