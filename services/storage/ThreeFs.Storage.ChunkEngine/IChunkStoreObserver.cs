using ThreeFs.Base;

namespace ThreeFs.Storage.ChunkEngine;

/// <summary>What an engine reports besides the results of its calls.</summary>
public interface IChunkStoreObserver
{
    /// <summary>Stored bytes of a chunk do not have the checksum they were written with. Nothing of them was handed out.</summary>
    void CorruptionDetected(ChunkId chunk, uint offset, uint length);

    /// <summary>The device cannot read bytes of a chunk that an update has to keep. The update changed nothing.</summary>
    void Unreadable(ChunkId chunk);

    /// <summary>The engine met an error of device or index that it cannot undo and refuses updates from now on.</summary>
    void Faulted(Status reason);
}
