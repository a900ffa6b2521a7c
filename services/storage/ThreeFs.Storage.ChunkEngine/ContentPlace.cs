using ThreeFs.Base;
using ThreeFs.Storage.ChunkEngine.Device;

namespace ThreeFs.Storage.ChunkEngine;

/// <summary>
/// Where a part of a committed content lies, for readers who keep that. It is the chunk's content for as long as the word at
/// <see cref="Word"/> is <see cref="Generation"/>: the word changes before anybody can know of another content.
/// </summary>
/// <param name="Word">Address of 64 bits in <see cref="ChunkStoreOptions.PlaceWords"/>.</param>
/// <param name="Offset">First byte of the part in the file; whole units from here on.</param>
/// <param name="Units">Units of the part, each with a checksum.</param>
/// <param name="Length">Bytes of the whole content.</param>
public readonly record struct ContentPlace(
    nint Word, ulong Generation, DeviceFile File, long Offset, int Units, uint Length, UpdateVersion Version);
