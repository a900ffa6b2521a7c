using ThreeFs.Base;

namespace ThreeFs.Storage.Recovery;

internal static class ChunkIds
{
    public static readonly ChunkId Max = new(new InodeId(ulong.MaxValue), ulong.MaxValue);

    /// <summary>The id behind this one; there is none behind <see cref="Max"/>.</summary>
    public static ChunkId Next(ChunkId id)
    {
        Invariant.Check(id != Max, "there is a next chunk id");
        return id.Index == ulong.MaxValue ? new ChunkId(new InodeId(id.Inode.Value + 1), 0) : id with { Index = id.Index + 1 };
    }
}
