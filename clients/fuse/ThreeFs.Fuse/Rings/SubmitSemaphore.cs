using System.Text;
using ThreeFs.Base;
using LibC = ThreeFs.UsrbIo.Linux.LibC;

namespace ThreeFs.Fuse.Rings;

/// <summary>
/// A named semaphore that applications post when they have submitted operations; one for each priority of a mount. Its name is in the
/// mount's registry, its file in /dev/shm for everybody, and both go with the mount.
/// </summary>
internal sealed unsafe class SubmitSemaphore : IDisposable
{
    private readonly Lock _lock = new();
    private readonly byte[] _name;
    private void* _semaphore;

    private SubmitSemaphore(string id, byte[] name, void* semaphore)
    {
        _name = name;
        _semaphore = semaphore;
        Path = $"/dev/shm/sem.hf3fs-submit-ios.{id}";
    }

    /// <summary>Where the C library keeps it; what applications open is the part behind "sem.".</summary>
    public string Path { get; }

    public static Result<SubmitSemaphore> Create()
    {
        var id = Guid.NewGuid().ToString();
        var name = Encoding.ASCII.GetBytes($"/hf3fs-submit-ios.{id}\0");
        fixed (byte* n = name)
        {
            var semaphore = LibC.SemOpen(n, LibC.O_CREAT | LibC.O_EXCL, 0x1B6, 0);
            if (semaphore == null) return new Status(StatusCode.IoError, $"cannot create the semaphore hf3fs-submit-ios.{id} in /dev/shm: errno {LibC.Errno}");
            var made = new SubmitSemaphore(id, name, semaphore);
            fixed (byte* path = Encoding.ASCII.GetBytes(made.Path + "\0")) LibC.ChangeMode(path, 0x1B6); // past the umask
            return made;
        }
    }

    /// <summary>Waits for a post, or until the time is over. Further posts that are already there are taken too.</summary>
    public void Wait(TimeSpan time)
    {
        UsrbIo.Linux.TimeSpec until;
        LibC.ClockGetTime(UsrbIo.Linux.TimeSpec.Realtime, &until);
        until.Nanoseconds += time.Ticks % TimeSpan.TicksPerSecond * 100;
        until.Seconds += time.Ticks / TimeSpan.TicksPerSecond + until.Nanoseconds / 1_000_000_000;
        until.Nanoseconds %= 1_000_000_000;
        if (LibC.SemTimedWait(_semaphore, &until) != 0) return;
        while (LibC.SemTryWait(_semaphore) == 0)
        {
        }
    }

    /// <summary>Does nothing after <see cref="Dispose"/>: jobs may complete after their watcher has ended.</summary>
    public void Post()
    {
        lock (_lock)
        {
            if (_semaphore != null) LibC.SemPost(_semaphore);
        }
    }

    /// <summary>After its waiter has ended.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_semaphore == null) return;
            fixed (byte* name = _name) LibC.SemUnlink(name);
            LibC.SemClose(_semaphore);
            _semaphore = null;
        }
    }
}
