using ThreeFs.Base;
using ThreeFs.Storage.ChunkEngine.Chunks;
using ThreeFs.Storage.ChunkEngine.Device;

namespace ThreeFs.Storage.ChunkEngine.Simulation;

/// <summary>One 4 KiB unit of a block, and whose content lies there.</summary>
/// <param name="Bytes">How many of its bytes belong to the content.</param>
/// <param name="IsInMemory">An update that is not folded lies over it.</param>
internal readonly record struct StoredUnit(ChunkId Chunk, BlockClass File, long Offset, int Bytes, bool IsInMemory)
{
    public static StoredUnit Of(ChunkId chunk, BlockPosition block, int unit, uint length, bool isInMemory) =>
        new(chunk, block.Class, block.Offset + ((long)unit << Units.Shift), Units.BytesOf(unit, length), isInMemory);
}
