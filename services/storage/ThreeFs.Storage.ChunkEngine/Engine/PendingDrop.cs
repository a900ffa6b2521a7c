using ThreeFs.Base;
using ThreeFs.Storage.ChunkEngine.Chunks;
using ThreeFs.Storage.ChunkEngine.Records;

namespace ThreeFs.Storage.ChunkEngine.Engine;

/// <summary>The end of a pending update that is not committed.</summary>
internal static class PendingDrop
{
    /// <summary>Drops the pending update, if there is one.</summary>
    public static StatusCode Run(StoreCore core, ChunkRecord? record)
    {
        if (record?.Pending is not { } pending) return StatusCode.Ok;
        Invariant.Check(!record.IsBusy, "the caller orders the updates of a chunk");
        AddTo(core, record, pending);
        var code = core.WriteBatch();
        if (code != StatusCode.Ok) return code;
        record.Pending = null;
        core.Retire(pending);
        core.Counters.Discards++;
        core.ForgetIfEmpty(record);
        return StatusCode.Ok;
    }

    /// <summary>Adds to the batch that the pending update is gone. Memory changes when the batch is written.</summary>
    public static void AddTo(StoreCore core, ChunkRecord record, ChunkDelta pending)
    {
        Span<byte> room = stackalloc byte[Keys.MaxSize];
        record.MayLowerHighWater = false;
        core.Batch.DeleteOnce(Keys.ForLog(room, record.Id, pending.Sequence));
        if (pending.BlockChanged) core.Space.Unstore(core.Batch, pending.Position);
    }
}
