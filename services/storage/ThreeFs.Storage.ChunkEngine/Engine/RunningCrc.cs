using ThreeFs.Base;

namespace ThreeFs.Storage.ChunkEngine.Engine;

/// <summary>Checksum of neighbours, put together from their checksums.</summary>
internal struct RunningCrc
{
    public uint Value { get; private set; }

    public long Length { get; private set; }

    public void Add(uint crc, long length)
    {
        if (length == 0) return;
        Value = Length == 0 ? crc : Crc32C.Combine(Value, crc, length);
        Length += length;
    }
}
