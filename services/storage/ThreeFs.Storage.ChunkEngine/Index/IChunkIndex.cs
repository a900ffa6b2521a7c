using ThreeFs.Base;

namespace ThreeFs.Storage.ChunkEngine.Index;

/// <summary>
/// The records of a target: an ordered map from bytes to bytes that is written in atomic batches and read only while the
/// engine opens.
/// </summary>
/// <remarks>
/// A written batch survives the death of the process. After the death of the machine the map is the result of some prefix of
/// the written batches, which includes every batch written before the last completed <see cref="SyncAsync"/> was called.
/// All calls come from the owner's thread, and <see cref="SyncAsync"/> completes there.
/// </remarks>
public interface IChunkIndex : IAsyncDisposable
{
    /// <summary>Applies the batch as one; on failure nothing of it is there.</summary>
    StatusCode Write(IndexBatch batch);

    /// <summary>Makes everything written before the call durable. Several may run at a time.</summary>
    ValueTask<StatusCode> SyncAsync();

    /// <summary>Visits all entries whose key starts with <paramref name="prefix"/> in key order, until the visitor says false.</summary>
    Status Scan(ReadOnlySpan<byte> prefix, IndexVisitor visit);
}

/// <summary>One entry of a scan; the spans die with the call.</summary>
public delegate bool IndexVisitor(ReadOnlySpan<byte> key, ReadOnlySpan<byte> value);
