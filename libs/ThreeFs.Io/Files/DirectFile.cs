using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Io.Linux;
using ThreeFs.Io.Ring;
using static Tmds.Linux.LibC;

namespace ThreeFs.Io.Files;

/// <summary>How a <see cref="DirectFile"/> is opened.</summary>
public enum DirectFileMode
{
    OpenRead,
    Open,
    OpenOrCreate,

    /// <summary>Fails with <see cref="StatusCode.AlreadyExists"/> when it is there.</summary>
    CreateNew,
}

/// <summary>
/// A file whose bytes bypass the page cache (O_DIRECT): addresses, offsets and lengths are multiples of
/// <see cref="BufferPool.Alignment"/>. Operations are started on the reactor's thread, complete inline there, and any
/// number may be in flight. Started elsewhere, they are posted first.
/// </summary>
/// <remarks>
/// A completed write is in the file for every reader and survives the process; it survives the machine after a later
/// <see cref="FdatasyncAsync"/>. The kernel orders nothing between operations in flight. Results: a write is whole or
/// fails, a read is short only at the end of the file. Failures carry the path, and <see cref="StatusCode.NoSpace"/> is
/// told from <see cref="StatusCode.IoError"/>.
/// </remarks>
public sealed class DirectFile : IDisposable
{
    private int _inFlight;
    private bool _closed;

    private DirectFile(Reactor reactor, string path, int handle, bool isDirect)
    {
        Reactor = reactor;
        Path = path;
        Handle = handle;
        IsDirect = isDirect;
    }

    public Reactor Reactor { get; }

    public string Path { get; }

    /// <summary>False where the file system has no O_DIRECT (tmpfs): the page cache is then in between.</summary>
    public bool IsDirect { get; }

    /// <summary>Operations not yet completed.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    internal int Handle { get; }

    /// <summary>Opens or creates on the calling thread; meant for start-up.</summary>
    public static Result<DirectFile> Open(Reactor reactor, string path, DirectFileMode mode = DirectFileMode.OpenOrCreate)
    {
        var flags = mode switch
        {
            DirectFileMode.OpenRead => O_RDONLY | O_NONBLOCK, // a name may turn out to be a pipe
            DirectFileMode.Open => O_RDWR,
            DirectFileMode.OpenOrCreate => O_RDWR | O_CREAT,
            DirectFileMode.CreateNew => O_RDWR | O_CREAT | O_EXCL,
            _ => throw Invariant.Unreachable($"mode {mode}"),
        };
        const uint ownerOnly = 0x180; // rw-------
        var isDirect = true;
        var handle = Sys.Open(path, flags | O_DIRECT, ownerOnly);
        if (handle == -Errno.EINVAL)
        {
            // The file may have been made by the failed attempt, so the second one must not insist on a new one.
            isDirect = false;
            handle = Sys.Open(path, flags & ~O_EXCL, ownerOnly);
        }

        return handle < 0 ? Errno.ToStatus(-handle, $"open {path}") : new DirectFile(reactor, path, handle, isDirect);
    }

    /// <summary>Bytes of the file now.</summary>
    public Result<long> GetLength()
    {
        var length = Sys.FileSize(Handle);
        return length < 0 ? Errno.ToStatus((int)-length, $"stat {Path}") : length;
    }

    /// <summary>st_dev and st_ino: the same for everybody on this host who has the same file open.</summary>
    public Result<(ulong Device, ulong Inode)> GetIdentity()
    {
        var result = Sys.FileIdentity(Handle, out var device, out var inode);
        return result < 0 ? Errno.ToStatus(-result, $"stat {Path}") : (device, inode);
    }

    /// <summary>Cuts or extends (sparsely) on the calling thread.</summary>
    public Status SetLength(long length)
    {
        var result = Sys.Truncate(Handle, length);
        return result < 0 ? Errno.ToStatus(-result, $"set the length of {Path} to {length}") : Status.Ok;
    }

    /// <summary>
    /// Reads into <paramref name="destination"/> and answers the bytes read; fewer than asked only at the end of the
    /// file.
    /// </summary>
    public ValueTask<Result<int>> ReadAsync(in IoSlices destination, long offset)
    {
        CheckAligned(destination, offset);
        return Begin(FileOperation.Transfer(this, UringOp.Read, destination, offset)).CountTask;
    }

    /// <inheritdoc cref="ReadAsync(in IoSlices, long)"/>
    public ValueTask<Result<int>> ReadAsync(IoMemory destination, long offset) => ReadAsync(new IoSlices(destination), offset);

    /// <summary>
    /// Writes all of <paramref name="source"/>, or fails; a failed write may have changed any part of its range.
    /// </summary>
    public ValueTask<Status> WriteAsync(in IoSlices source, long offset)
    {
        CheckAligned(source, offset);
        return Begin(FileOperation.Transfer(this, UringOp.Write, source, offset)).StatusTask;
    }

    /// <inheritdoc cref="WriteAsync(in IoSlices, long)"/>
    public ValueTask<Status> WriteAsync(IoMemory source, long offset) => WriteAsync(new IoSlices(source), offset);

    /// <summary>Makes every write completed before this call durable, and the metadata needed to read it.</summary>
    public ValueTask<Status> FdatasyncAsync() => Begin(FileOperation.Control(this, UringOp.Fsync, 0, 0, 0)).StatusTask;

    /// <summary>Takes disk space for the range; the file grows when <paramref name="keepSize"/> is false.</summary>
    public ValueTask<Status> AllocateAsync(long offset, long length, bool keepSize = false)
    {
        var mode = keepSize ? FALLOC_FL_KEEP_SIZE : 0;
        return Begin(FileOperation.Control(this, UringOp.Fallocate, mode, offset, length)).StatusTask;
    }

    /// <summary>Gives the range's space back; it reads as zeros and the file's length stays.</summary>
    public ValueTask<Status> PunchHoleAsync(long offset, long length)
    {
        var mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;
        return Begin(FileOperation.Control(this, UringOp.Fallocate, mode, offset, length)).StatusTask;
    }

    /// <summary>Closes the file; nothing may be in flight.</summary>
    public void Dispose()
    {
        if (_closed) return;
        Invariant.Check(InFlight == 0, "a file is closed when no operation is in flight");
        _closed = true;
        Sys.Close(Handle);
    }

    internal void Leave() => Interlocked.Decrement(ref _inFlight);

    private FileOperation Begin(FileOperation operation)
    {
        Invariant.Check(!_closed, "the file is open");
        Interlocked.Increment(ref _inFlight);
        if (Reactor.IsCurrent) Reactor.Start(operation);
        else if (!Reactor.Post(static state => ((FileOperation)state!).StartPosted(), operation)) operation.Abandon();
        return operation;
    }

    private static void CheckAligned(in IoSlices slices, long offset)
    {
        const int mask = BufferPool.Alignment - 1;
        Invariant.Check((offset & mask) == 0 && offset >= 0, "a direct file's offset is a multiple of 4096");
        Invariant.Check(slices.TotalLength is > 0 and <= int.MaxValue, "a transfer has between 1 byte and 2 GiB");
        for (var i = 0; i < slices.Count; i++)
        {
            var piece = slices[i];
            Invariant.Check(((piece.Address | piece.Length) & mask) == 0, "a direct file's memory is aligned to 4096");
        }
    }
}
