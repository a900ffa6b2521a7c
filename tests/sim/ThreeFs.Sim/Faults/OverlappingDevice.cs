using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Storage.ChunkEngine.Device;

namespace ThreeFs.Sim.Faults;

/// <summary>A device on which some blocks of the smallest class lie where another one lies.</summary>
internal sealed class OverlappingDevice(IBlockDevice inner) : IBlockDevice
{
    private const int Period = 8;

    public ValueTask<StatusCode> ReadAsync(BlockClass file, long offset, IoMemory destination) =>
        inner.ReadAsync(file, Place(file, offset), destination);

    public ValueTask<StatusCode> WriteAsync(BlockClass file, long offset, IoMemory source) => inner.WriteAsync(file, Place(file, offset), source);

    public ValueTask<StatusCode> FlushAsync() => inner.FlushAsync();

    public ValueTask<StatusCode> ReserveAsync(BlockClass file, long offset, long length) => inner.ReserveAsync(file, offset, length);

    public ValueTask<StatusCode> ReleaseAsync(BlockClass file, long offset, long length) => inner.ReleaseAsync(file, offset, length);

    public DeviceSpace GetSpace() => inner.GetSpace();

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    private static long Place(BlockClass file, long offset) =>
        file == BlockClass.Smallest && (offset >> file.Shift) % Period == 1 ? offset - file.Bytes : offset;
}
