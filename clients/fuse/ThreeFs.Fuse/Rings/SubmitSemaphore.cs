using System.Text;
using ThreeFs.Base;
using ThreeFs.UsrbIo;
using ThreeFs.UsrbIo.Linux;

namespace ThreeFs.Fuse.Rings;

/// <summary>
/// A named semaphore that applications post when they have submitted operations; one for each priority of a mount. Its name is in the
/// mount's registry, its file in /dev/shm for everybody, and both go with the mount.
/// </summary>
/// <remarks>The file is locked for as long as the mount lives; see <see cref="SubmitName"/>.</remarks>
internal sealed unsafe class SubmitSemaphore : IDisposable
{
    private readonly Lock _lock = new();
    private readonly int _fd;
    private readonly nint _address;
    private bool _isDisposed;

    private SubmitSemaphore(string path, int fd, nint address) => (Path, _fd, _address) = (path, fd, address);

    /// <summary>Where the C library keeps it; what applications open is the part behind "sem.".</summary>
    public string Path { get; }

    private SharedSemaphore Semaphore => new((byte*)_address);

    public static Result<SubmitSemaphore> Create()
    {
        var path = SubmitName.New();
        int fd;
        fixed (byte* name = Terminated(path)) fd = LibC.Open(name, LibC.O_RDWR | LibC.O_CREAT | LibC.O_EXCL | LibC.O_CLOEXEC, 0x1B6);
        if (fd < 0) return Failed(path);
        if (LibC.Lock(fd, LibC.LOCK_EX) == 0 && LibC.Truncate(fd, SubmitName.Size) == 0
            && LibC.ChangeMode(fd, 0x1B6) == 0 // past the umask
            && SharedArena.Instance.Map(fd, SubmitName.Size) is { } address)
        {
            var made = new SubmitSemaphore(path, fd, address);
            made.Semaphore.Initialize();
            return made;
        }

        var failed = Failed(path);
        Unlink(path);
        LibC.Close(fd);
        return failed;
    }

    /// <summary>Takes away what mounts left behind that were killed.</summary>
    public static void RemoveStale()
    {
        foreach (var path in Directory.EnumerateFiles(SubmitName.Directory, SubmitName.Prefix + "*"))
        {
            if (!SubmitName.IsOurs(Encoding.UTF8.GetBytes(path))) continue;
            int fd;
            fixed (byte* name = Terminated(path)) fd = LibC.Open(name, LibC.O_RDWR | LibC.O_NOFOLLOW | LibC.O_CLOEXEC | LibC.O_NONBLOCK, 0);
            if (fd < 0) continue;

            // One that is being made has no size before it has its lock.
            var isStale = LibC.Lock(fd, LibC.LOCK_EX | LibC.LOCK_NB) == 0
                && FileStat.TryOf(fd, out var stat) && stat.Size == SubmitName.Size;
            if (isStale) Unlink(path);
            LibC.Close(fd);
        }
    }

    /// <summary>Waits for a post, or until the time is over. Further posts that are already there are taken too.</summary>
    public void Wait(TimeSpan time) => Semaphore.Wait(time);

    /// <summary>Where the kernel waits for who waits otherwise (<see cref="BeginWait"/>).</summary>
    public nint Word => _address;

    /// <inheritdoc cref="SharedSemaphore.BeginWait"/>
    public void BeginWait() => Semaphore.BeginWait();

    /// <inheritdoc cref="SharedSemaphore.EndWait"/>
    public void EndWait() => Semaphore.EndWait();

    /// <summary>Does nothing after <see cref="Dispose"/>: jobs may complete after their watcher has ended.</summary>
    public void Post()
    {
        lock (_lock)
        {
            if (!_isDisposed) Semaphore.Post();
        }
    }

    /// <summary>After its waiter has ended.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_isDisposed) return;
            _isDisposed = true;
            Unlink(Path);
            SharedArena.Instance.Unmap(_address, SubmitName.Size);
            LibC.Close(_fd);
        }
    }

    private static Status Failed(string path) =>
        new(StatusCode.IoError, $"cannot make the semaphore {path}: {Describe(LibC.Errno)}; is /dev/shm mounted and has it room?");

    private static string Describe(int errno) => System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(errno);

    private static bool Unlink(string path)
    {
        fixed (byte* name = Terminated(path)) return LibC.Unlink(name) == 0;
    }

    private static byte[] Terminated(string text) => Encoding.UTF8.GetBytes(text + "\0");
}
