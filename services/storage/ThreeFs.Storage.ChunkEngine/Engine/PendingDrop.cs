using ThreeFs.Storage.ChunkEngine.Chunks;
using ThreeFs.Storage.ChunkEngine.Records;

namespace ThreeFs.Storage.ChunkEngine.Engine;

internal static class PendingDrop
{
    /// <summary>Adds to the batch that the pending update is gone. Memory changes when the batch is written.</summary>
    public static void AddTo(StoreCore core, ChunkRecord record, ChunkDelta pending)
    {
        Span<byte> room = stackalloc byte[Keys.MaxSize];
        record.MayLowerHighWater = false;
        core.Batch.DeleteOnce(Keys.ForLog(room, record.Id, pending.Sequence));
        if (pending.BlockChanged) core.Space.Unstore(core.Batch, pending.Position);
    }
}
