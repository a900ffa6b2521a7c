using ThreeFs.Base;

namespace ThreeFs.Storage.ChunkEngine;

/// <summary>Whose chunks a directory holds; written once when the target is created.</summary>
public readonly record struct TargetIdentity(TargetId Target, ChainId Chain);

/// <summary>Space as the engine sees it.</summary>
/// <param name="CapacityBytes">Of the disk, whoever uses it.</param>
/// <param name="FreeBytes">Of the disk, plus free blocks inside the engine's reserved space.</param>
/// <param name="UsedBytes">Blocks that hold chunks.</param>
/// <param name="IsLow">New chunks are still taken; mgmtd should place no more here.</param>
public readonly record struct SpaceInfo(long CapacityBytes, long FreeBytes, long UsedBytes, bool IsLow);
