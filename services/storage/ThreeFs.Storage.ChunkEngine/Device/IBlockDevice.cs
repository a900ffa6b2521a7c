using ThreeFs.Base;
using ThreeFs.Base.Memory;

namespace ThreeFs.Storage.ChunkEngine.Device;

/// <summary>
/// The bytes of a target: one file a <see cref="BlockClass"/>, addressed by byte offset, in whole units of
/// <see cref="Unit"/> bytes. Addresses, offsets and lengths are multiples of the unit; an operation is whole or fails.
/// </summary>
/// <remarks>
/// A completed write survives the death of the process. It survives the death of the machine only after a
/// <see cref="FlushAsync"/> that was called after its completion; until then it may be lost or torn, and never touches bytes
/// outside its range. Calls and completions happen on the owner's thread; any number may be in flight, on disjoint ranges.
/// </remarks>
public interface IBlockDevice : IAsyncDisposable
{
    /// <summary>Bytes of the smallest addressable piece, and the granularity of checksums.</summary>
    public const int Unit = 4096;

    /// <summary>Fills <paramref name="destination"/>. Bytes never written are zeros or what the block held before.</summary>
    ValueTask<StatusCode> ReadAsync(BlockClass file, long offset, IoMemory destination);

    /// <summary>Writes all of <paramref name="source"/>; <see cref="StatusCode.NoSpace"/> when the disk is full.</summary>
    ValueTask<StatusCode> WriteAsync(BlockClass file, long offset, IoMemory source);

    /// <summary>Makes all completed writes of all files durable.</summary>
    ValueTask<StatusCode> FlushAsync();

    /// <summary>Takes disk space for the range, so that later writes to it cannot fail for lack of space.</summary>
    ValueTask<StatusCode> ReserveAsync(BlockClass file, long offset, long length);

    /// <summary>Gives the space of the range back; its content becomes undefined.</summary>
    ValueTask<StatusCode> ReleaseAsync(BlockClass file, long offset, long length);

    /// <summary>Where others on this host find a class's bytes, at the same offsets; null when they cannot.</summary>
    DeviceFile? FileOf(BlockClass file) => null;

    /// <summary>Of the disk that is there: one that is gone has nothing free.</summary>
    DeviceSpace GetSpace();
}

/// <summary>A file that a process of this host can open by its path (UTF-8), and recognise.</summary>
public sealed record DeviceFile(ulong Device, ulong Inode, ReadOnlyMemory<byte> Path);

/// <summary>Space of the disk below a device, whoever uses it.</summary>
public readonly record struct DeviceSpace(long CapacityBytes, long FreeBytes);
