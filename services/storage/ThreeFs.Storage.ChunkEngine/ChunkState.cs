using ThreeFs.Base;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Storage.ChunkEngine;

/// <summary>One version of a chunk's content.</summary>
/// <param name="Version">Update version; 0 means that there is no such content.</param>
/// <param name="ChainVersion">Committed: as given at the commit. Pending: as given with the update.</param>
/// <param name="Crc">CRC-32C of the whole content.</param>
/// <param name="Tag">The update that made it: a retry with the same tag is answered from here.</param>
/// <param name="IsRemove">Pending only: committing it ends the chunk.</param>
public readonly record struct ContentState(
    UpdateVersion Version, ChainVersion ChainVersion, uint Length, uint Crc, UpdateTag Tag, bool IsRemove)
{
    public bool Exists => Version.Value != 0;

    public ChannelUpdate ToChannelUpdate(ChunkId chunk) => new(Tag, chunk, Version, Length, Crc);
}

/// <summary>What the engine holds of a chunk: the committed content, and the pending one if there is.</summary>
public readonly record struct ChunkState(ChunkId Chunk, ContentState Committed, ContentState Pending)
{
    public bool HasCommitted => Committed.Exists;

    public bool HasPending => Pending.Exists;

    public CommitVersion CommitVersion => new(Committed.Version.Value);

    /// <summary>Version of the newest content, committed or pending.</summary>
    public UpdateVersion UpdateVersion => HasPending ? Pending.Version : Committed.Version;

    /// <summary>The form that replicas exchange: versions of both, length and checksum of the committed content.</summary>
    public ChunkMeta ToMeta() => new(
        Chunk, UpdateVersion, CommitVersion, Committed.ChainVersion, Committed.Length, Committed.Crc, HasPending);
}
