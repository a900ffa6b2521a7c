namespace ThreeFs.Storage.ChunkEngine;

/// <summary>What one engine did since it was opened. Written by the owner's thread; others may read it at any time.</summary>
public sealed class EngineCounters
{
    public long Reads;
    public long ReadBytes;
    /// <summary>Reads that found all they wanted in memory.</summary>
    public long OverlayReads;
    /// <summary>Reads that were told where the bytes are.</summary>
    public long Located;
    public long LocatedBytes;
    /// <summary>Places that readers were told to keep.</summary>
    public long PlacesTold;
    public long InlineUpdates;
    public long AppendUpdates;
    public long CopyUpdates;
    public long MetaUpdates;
    public long UpdateBytes;
    /// <summary>Bytes read from blocks because an update had to keep them.</summary>
    public long MergeReadBytes;
    public long Commits;
    public long Discards;
    public long Flushes;
    public long DeviceFlushes;
    public long Folds;
    public long FoldedUpdates;
    public long FoldedBytes;
    public long CorruptUnits;
    /// <summary>Updates that a restart after a power loss found without their data, and dropped.</summary>
    public long DroppedUpdates;
}
