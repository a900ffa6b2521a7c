using ThreeFs.Base;
using ThreeFs.Base.Memory;

namespace ThreeFs.Storage.ChunkEngine;

/// <summary>Bounds of one engine, and what it must know about its surroundings.</summary>
public sealed record ChunkStoreOptions
{
    /// <summary>
    /// Names the running boot of the machine. When it is the one of the last opening, the machine did not lose power
    /// since, and updates that were not flushed need no check on opening. Empty: unknown.
    /// </summary>
    public Guid BootId { get; init; }

    /// <summary>Updates that touch no more than this many bytes travel inside the index and reach their block later.</summary>
    public int MaxInlineBytes { get; init; } = 32 * 1024;

    /// <summary>Bytes of update content kept in memory at which folding starts.</summary>
    public long FoldAtOverlayBytes { get; init; } = 32 * ByteSize.MiB;

    /// <summary>Bytes of update content kept in memory at which updates wait for folding.</summary>
    public long MaxOverlayBytes { get; init; } = 96 * ByteSize.MiB;

    /// <summary>Bytes of blocks that are replaced and not yet free at which folding starts.</summary>
    public long FoldAtRetiredBytes { get; init; } = 256 * ByteSize.MiB;

    /// <summary>Number of updates not folded at which folding starts.</summary>
    public int FoldAtUpdates { get; init; } = 16 * 1024;

    /// <summary>Calls of <see cref="ChunkStore.MaintainAsync"/> between two folds that nothing else asked for.</summary>
    public int FoldEveryCalls { get; init; } = 20;

    /// <summary>Clients' channels of which the last update is remembered; the longest unused one is forgotten.</summary>
    public int Channels { get; init; } = 16 * 1024;

    /// <summary>Bytes of the engine's own buffer pool: overlays, edges and copies.</summary>
    public long BufferBytes { get; init; } = 512 * ByteSize.MiB;

    /// <summary>Disk space that blocks never take, so that the index can always be written.</summary>
    public long ReservedBytes { get; init; } = 64 * ByteSize.MiB;

    /// <summary>Free share of the disk below which <see cref="SpaceInfo.IsLow"/> is reported.</summary>
    public double LowSpaceShare { get; init; } = 0.05;

    /// <summary>Most bytes of blocks this engine may take; unlimited by default. Several targets may share one disk.</summary>
    public long MaxBlockBytes { get; init; } = long.MaxValue;

    /// <summary>Hands out what the device gives without a look at checksums: a defect for simulations to find.</summary>
    internal bool SkipsChecksums { get; init; }

    /// <summary>
    /// Memory that readers on this host can see, 8 bytes for each chunk whose place they may keep (<see cref="ChunkStore.TryGetPlace"/>).
    /// It stays theirs after the store is closed. Empty: no place is told.
    /// </summary>
    public IoMemory PlaceWords { get; init; }

    /// <summary>Told about what an operator should know. Called on the owner's thread; must not call back.</summary>
    public IChunkStoreObserver? Observer { get; init; }
}
