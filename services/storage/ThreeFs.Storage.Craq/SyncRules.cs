using ThreeFs.Contracts.Storage;

namespace ThreeFs.Storage.Craq;

public enum SyncStep : byte
{
    Keep,
    /// <summary>Send the whole committed content.</summary>
    Replace,
    /// <summary>The predecessor has no such chunk.</summary>
    Remove,
}

/// <summary>
/// What a returning target needs of a chunk. The predecessor is the authority: whatever differs is sent as it is there, newer or
/// older, because what the returning target has more was never acknowledged or was given up by mgmtd. There is no case in
/// which a difference is an error.
/// </summary>
public static class SyncRules
{
    /// <param name="local">The predecessor's chunk, read under its lock.</param>
    /// <param name="remote">What the target reported; null: it has nothing.</param>
    public static SyncStep Compare(in ReplicaChunk local, ChunkMeta? remote)
    {
        if (!local.Committed.Exists) return remote is null ? SyncStep.Keep : SyncStep.Remove;
        if (remote is not { } r || r.IsPending) return SyncStep.Replace;
        var held = local.Committed;
        return r.Commit.Value == held.Version.Value && r.Length == held.Length && r.Crc == held.Crc ? SyncStep.Keep : SyncStep.Replace;
    }
}
