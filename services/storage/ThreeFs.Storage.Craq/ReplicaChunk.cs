using ThreeFs.Base;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Storage.Craq;

/// <summary>One content of a chunk as the protocol sees it. Version 0: there is none.</summary>
/// <param name="Crc">CRC-32C of the whole content.</param>
/// <param name="Tag">The update that made it.</param>
/// <param name="IsRemove">Pending only: committing it ends the chunk.</param>
public readonly record struct Content(UpdateVersion Version, uint Length, uint Crc, UpdateTag Tag, bool IsRemove)
{
    public bool Exists => Version.Value != 0;
}

/// <summary>What a replica holds of a chunk: the committed content and at most one pending above it.</summary>
public readonly record struct ReplicaChunk(Content Committed, Content Pending)
{
    public bool HasPending => Pending.Exists;

    public UpdateVersion NextVersion => Committed.Version.Next;
}
