using ThreeFs.Contracts.Storage;

namespace ThreeFs.Storage.Recovery;

/// <summary>How far the resync of a successor is.</summary>
/// <param name="Compared">Chunks looked at so far.</param>
/// <param name="IsDone">The successor was told that it has everything.</param>
public readonly record struct ResyncProgress(VersionedChain Chain, bool IsRunning, long Compared, long Sent, long Removed, long Bytes, bool IsDone);
