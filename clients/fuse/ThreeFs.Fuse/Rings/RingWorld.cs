using Microsoft.Extensions.Logging;
using ThreeFs.Base.Memory;

namespace ThreeFs.Fuse.Rings;

/// <summary>What the rings of a mount share.</summary>
internal sealed record RingWorld(IRingFiles Files, BufferTable Buffers, TimeProvider Time, ILogger Log, bool IsReadOnly)
{
    /// <summary>Hears of the memory that applications share for data.</summary>
    public IMemoryObserver? Memory { get; init; }
}
