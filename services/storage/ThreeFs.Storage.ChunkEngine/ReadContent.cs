namespace ThreeFs.Storage.ChunkEngine;

/// <summary>Which content of a chunk a read is for.</summary>
public enum ReadContent : byte
{
    /// <summary>The committed one, whether or not an update is pending.</summary>
    Committed,
    /// <summary>The pending one if there is, else the committed one: what a predecessor hands to a syncing target.</summary>
    Newest,
}
