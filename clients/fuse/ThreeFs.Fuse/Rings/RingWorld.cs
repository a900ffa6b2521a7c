using Microsoft.Extensions.Logging;

namespace ThreeFs.Fuse.Rings;

/// <summary>What the rings of a mount share.</summary>
internal sealed record RingWorld(IRingFiles Files, BufferTable Buffers, TimeProvider Time, ILogger Log, bool IsReadOnly);
