using Microsoft.Extensions.Logging;
using ThreeFs.Base.Memory;
using ThreeFs.Io;

namespace ThreeFs.Fuse.Rings;

/// <summary>What the rings of a mount share.</summary>
internal sealed record RingWorld(IRingFiles Files, BufferTable Buffers, TimeProvider Time, ILogger Log, bool IsReadOnly)
{
    /// <summary>Where rings are looked at: the one that their files' connections belong to. Null: threads of their own.</summary>
    public Reactor? Reactor { get; init; }

    /// <summary>Hears of the memory that applications share for data.</summary>
    public IMemoryObserver? Memory { get; init; }
}
