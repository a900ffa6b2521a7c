using ThreeFs.Base.Memory;
using ThreeFs.Storage.ChunkEngine.Device;

namespace ThreeFs.Storage.ChunkEngine.Chunks;

/// <summary>
/// One update that is not folded into its block yet: pending, or committed and waiting. Ranges are in units. The touched
/// units' content is split in two: direct units were written to the block where nothing that matters was before, redo units
/// are kept in memory and in the index, and laid over what is read from the block.
/// </summary>
internal sealed class ChunkDelta
{
    public ulong Sequence;
    public ContentState State;

    /// <summary>The content's block after this update.</summary>
    public BlockPosition Position;

    /// <summary>The block is a new one, and <see cref="Crcs"/> covers all units.</summary>
    public bool BlockChanged;

    public int RedoStart;
    public int RedoCount;
    public BufferLease? Redo;

    public int DirectStart;
    public int DirectCount;

    /// <summary>Units whose checksum this update changed.</summary>
    public int CrcStart;
    public int CrcCount;

    /// <summary>While pending the checksums after the update; once committed those before it, for <see cref="ChunkRecord.CopyChecksumsAt"/>.</summary>
    public uint[]? Crcs;

    public ChunkDelta? Older;
    public ChunkDelta? Newer;

    public bool IsRemove => State.IsRemove;

    /// <summary>Bytes of redo content that belong to the chunk.</summary>
    public int RedoBytes => (int)Units.BytesOf(RedoStart, RedoCount, State.Length);

    public nint AddressOf(int unit) => Redo!.Memory.Address + ((nint)(unit - RedoStart) << Units.Shift);

    public bool HasRedoOf(int unit) => unit >= RedoStart && unit < RedoStart + RedoCount;

    public void Reset()
    {
        Sequence = 0;
        State = default;
        Position = default;
        BlockChanged = false;
        RedoStart = RedoCount = DirectStart = DirectCount = CrcStart = CrcCount = 0;
        Redo = null;
        Crcs = null;
        Older = Newer = null;
    }
}
