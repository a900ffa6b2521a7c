using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine.Device;

namespace ThreeFs.Storage.ChunkEngine.Engine;

/// <summary>
/// The class of a new block: the smallest that holds the content. A chunk that outgrows its block by writes takes two classes
/// more at once, up to its chunk size: what grows once grows again, and each move copies everything.
/// </summary>
internal static class BlockSizing
{
    public static BlockClass Choose(UpdateJob job)
    {
        var needed = BlockClass.ForLength(job.NewLength);
        if (!job.HasOld || job.Update.Kind != UpdateKind.Write) return needed;
        var current = job.Record.Position.Class;
        if (needed.Value <= current.Value) return needed;
        var limit = Math.Max(needed.Value, BlockClass.ForLength(job.Update.ChunkSize).Value);
        return new BlockClass((byte)Math.Min(limit, Math.Max(needed.Value, current.Value + 2)));
    }
}
