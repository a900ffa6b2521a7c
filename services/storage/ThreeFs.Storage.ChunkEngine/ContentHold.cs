using ThreeFs.Storage.ChunkEngine.Device;
using ThreeFs.Storage.ChunkEngine.Engine;

namespace ThreeFs.Storage.ChunkEngine;

/// <summary>
/// A part of a content that somebody reads on the device by himself: until <see cref="Release"/> its blocks hold what they held when it
/// was taken, whatever happens to the chunk. Released once, on the store's thread; pooled afterwards. Whoever holds one long keeps
/// the store from reusing space.
/// </summary>
public sealed class ContentHold
{
    private readonly ContentLocator _home;
    private ContentSnapshot? _snapshot;

    internal ContentHold(ContentLocator home) => _home = home;

    public DeviceFile File { get; private set; } = null!;

    /// <summary>First byte in the file; whole units from here on.</summary>
    public long Offset { get; private set; }

    internal void Take(ContentSnapshot snapshot, DeviceFile file, long offset)
    {
        _snapshot = snapshot;
        File = file;
        Offset = offset;
    }

    public void Release()
    {
        var snapshot = _snapshot!;
        _snapshot = null;
        _home.Release(this, snapshot);
    }
}
