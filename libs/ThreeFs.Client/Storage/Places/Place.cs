using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Storage;
using ThreeFs.Transport;

namespace ThreeFs.Client.Storage.Places;

/// <summary>A part of a chunk, beginning at a multiple of <see cref="ChunkPlace.PartBytes"/>.</summary>
internal readonly record struct PartId(ChunkId Chunk, uint Index)
{
    public static PartId Of(in ReadOp op) => new(op.Chunk, op.Offset / ChunkPlace.PartBytes);
}

/// <summary>Where a part of a chunk lies on a server's device, as the server told it (<see cref="ChunkPlace"/>).</summary>
internal sealed class Place
{
    public required PartId Part { get; init; }

    /// <summary>The chain as it was asked for; of no use for who plans with another version.</summary>
    public required VersionedChain Chain { get; init; }

    public required long Word { get; init; }

    public required ulong Generation { get; init; }

    public required byte[] Path { get; init; }

    public required ulong Device { get; init; }

    public required ulong Inode { get; init; }

    /// <summary>Of the part in the file.</summary>
    public required long Offset { get; init; }

    public required uint ChunkLength { get; init; }

    public required UpdateVersion Version { get; init; }

    public required uint[] Checksums { get; init; }

    public LocalFile File => new(Path, Device, Inode);

    /// <summary>Where a read begins in the file.</summary>
    public long OffsetOf(in ReadOp op) => Offset + op.Offset % ChunkPlace.PartBytes;

    /// <summary>Bytes that a read gets.</summary>
    public uint LengthOf(in ReadOp op) => Math.Min(op.Length, ChunkLength - op.Offset);

    /// <summary>Bytes that have to be read for them: whole units.</summary>
    public int WholeOf(in ReadOp op) => (int)(LengthOf(op) + ChunkPlace.UnitBytes - 1) & -ChunkPlace.UnitBytes;

    /// <summary>
    /// The answer to a read whose bytes have come from the device; a failure when they do not have the checksums that were told.
    /// </summary>
    public ReadResult Verify(in ReadOp op, IoSlices destination)
    {
        var length = LengthOf(op);
        var unit = (int)(op.Offset % ChunkPlace.PartBytes) / ChunkPlace.UnitBytes;
        var (crc, left) = (0u, length);
        for (var i = 0; left > 0; i++)
        {
            for (var bytes = destination[i].Span; !bytes.IsEmpty && left > 0; unit++)
            {
                var size = (int)Math.Min(ChunkPlace.UnitBytes, left);
                var own = Crc32C.Compute(bytes[..size]);
                if (own != Checksums[unit]) return StorageWire.Failed(StatusCode.ChecksumMismatch);
                crc = left == length ? own : Crc32C.Combine(crc, own, size);
                left -= (uint)size;
                bytes = bytes[size..];
            }
        }

        return new ReadResult(StatusCode.Ok, length, crc, ChunkLength, Version, new CommitVersion(Version.Value));
    }
}
