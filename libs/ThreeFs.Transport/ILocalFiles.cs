using ThreeFs.Base;
using ThreeFs.Base.Memory;

namespace ThreeFs.Transport;

/// <summary>
/// Files of the server, read by the client. On the connection's reactor only, where calls complete. Files are kept
/// open for as long as they are used and the connection lasts.
/// </summary>
public interface ILocalFiles
{
    /// <summary>
    /// Reads into <paramref name="destination"/> past the page cache: the bytes read, fewer than wanted only at the
    /// file's end. NotSupported when this process cannot open that very file (it sees other file systems): then it
    /// need not be asked again on this connection. The destination's pieces and the offset are multiples of 4096.
    /// </summary>
    ValueTask<Result<int>> ReadAsync(in LocalFile file, long offset, IoSlices destination);

    /// <summary>The caller is on the connection's reactor. Where there is none, nobody ever is.</summary>
    bool IsCurrent => false;

    /// <summary>Runs work on the connection's reactor, soon; false when that has stopped.</summary>
    bool Post(Action<object?> work, object? state) => false;

    /// <summary>
    /// 64 bits of the memory that the server shares, as they are now; 0 when there are none, or the server may have given the memory another
    /// use. On the reactor.
    /// </summary>
    ulong WordAt(long offset) => 0;

    /// <summary>The server's process lives now, and the connection to it stands. On the reactor; costs a system call.</summary>
    bool IsServerAlive() => false;
}

/// <summary>Which file: its path in the server's eyes (UTF-8), and st_dev and st_ino by which it is recognised.</summary>
public readonly ref struct LocalFile(ReadOnlySpan<byte> path, ulong device, ulong inode)
{
    public ReadOnlySpan<byte> Path { get; } = path;

    public ulong Device { get; } = device;

    public ulong Inode { get; } = inode;
}
