using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine.Index;
using ThreeFs.Storage.ChunkEngine.Records;

namespace ThreeFs.Storage.ChunkEngine.Channels;

/// <summary>The table of channels in the index.</summary>
/// <remarks>
/// Until an update is folded, its own record tells its tag, and the table is filled from there when the target is opened. So a
/// slot is written only when the records it stands for are about to go, and never before its update is durable: after a power
/// loss the table must not speak of an update that is gone.
/// </remarks>
internal static class ChannelWrites
{
    public static void AddTo(IndexBatch batch, List<(int Slot, ChannelUpdate Update)> changes)
    {
        Span<byte> room = stackalloc byte[Keys.ChannelSize];
        foreach (var (slot, update) in changes)
            ChannelRecord.Write(batch.BeginPut(Keys.ForChannel(room, slot), ChannelRecord.Size), update);
    }

    public static void AddRemovalOf(IndexBatch batch, int slots)
    {
        Span<byte> room = stackalloc byte[Keys.ChannelSize];
        for (var slot = 0; slot < slots; slot++) batch.Delete(Keys.ForChannel(room, slot));
    }
}
