using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Client.Storage;

/// <summary>One piece of a batch read; <see cref="Result"/> is the answer.</summary>
/// <param name="Offset">Byte in the chunk.</param>
/// <param name="Destination">Where the bytes go; its length is what is wanted. Bytes behind the result's length are
/// undefined.</param>
public record struct ReadPiece(ChainId Chain, ChunkId Chunk, uint Offset, IoSlices Destination)
{
    public ReadResult Result { get; set; }
}
