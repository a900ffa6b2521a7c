using System.Runtime.InteropServices;

namespace ThreeFs.UsrbIo.Linux;

/// <summary>
/// The calls behind shared memory and its semaphores. Blittable and without a marshaller, so that they work where no
/// managed allocation may happen. Each answers as in C; the reason of a failure is <see cref="Errno"/>.
/// </summary>
public static unsafe partial class LibC
{
    public const int O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_ACCMODE = 3;
    public const int O_CREAT = 0x40, O_EXCL = 0x80, O_CLOEXEC = 0x80000;
    public const int O_DIRECTORY = 0x10000, O_NOFOLLOW = 0x20000, O_NONBLOCK = 0x800;
    public const int PROT_READ = 1, PROT_WRITE = 2;
    public const int MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_FIXED = 0x10, MAP_ANONYMOUS = 0x20, MAP_NORESERVE = 0x4000;
    public const int ENOENT = 2, EIO = 5, EBADF = 9, EAGAIN = 11, EACCES = 13, EINVAL = 22, ENOTCONN = 107;

    public const int F_GETFL = 3, F_DUPFD_CLOEXEC = 1030, F_OK = 0;
    public const int FALLOC_FL_KEEP_SIZE = 1, FALLOC_FL_PUNCH_HOLE = 2;
    public const int LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4;
    public const int AT_FDCWD = -100, AT_EMPTY_PATH = 0x1000, AT_SYMLINK_FOLLOW = 0x400;
    public const uint STATX_BASIC_STATS = 0x7FF;

    public static readonly void* MapFailed = (void*)-1;

    public static int Errno => Marshal.GetLastPInvokeError();

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true)]
    public static partial int Open(byte* path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int fd);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int Truncate(int fd, long length);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    public static partial void* Map(void* address, nuint length, int protection, int flags, int fd, long offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    public static partial int Unmap(void* address, nuint length);

    /// <summary>flock(2).</summary>
    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    public static partial int Lock(int fd, int operation);

    [LibraryImport("libc", EntryPoint = "mprotect", SetLastError = true)]
    public static partial int Protect(void* address, nuint length, int protection);

    [LibraryImport("libc", EntryPoint = "unlink", SetLastError = true)]
    public static partial int Unlink(byte* path);

    [LibraryImport("libc", EntryPoint = "symlink", SetLastError = true)]
    public static partial int Symlink(byte* target, byte* path);

    [LibraryImport("libc", EntryPoint = "readlink", SetLastError = true)]
    public static partial nint ReadLink(byte* path, byte* buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "chmod", SetLastError = true)]
    public static partial int ChangeMode(byte* path, uint mode);

    [LibraryImport("libc", EntryPoint = "fchmod", SetLastError = true)]
    public static partial int ChangeMode(int fd, uint mode);

    [LibraryImport("libc", EntryPoint = "sem_init", SetLastError = true)]
    public static partial int SemInit(void* semaphore, int shared, uint value);

    [LibraryImport("libc", EntryPoint = "sem_open", SetLastError = true)]
    public static partial void* SemOpen(byte* name, int flags, uint mode, uint value);

    [LibraryImport("libc", EntryPoint = "sem_close", SetLastError = true)]
    public static partial int SemClose(void* semaphore);

    [LibraryImport("libc", EntryPoint = "sem_post", SetLastError = true)]
    public static partial int SemPost(void* semaphore);

    /// <summary>The deadline is on CLOCK_REALTIME.</summary>
    [LibraryImport("libc", EntryPoint = "sem_timedwait", SetLastError = true)]
    public static partial int SemTimedWait(void* semaphore, TimeSpec* deadline);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    public static partial nint Read(int fd, byte* buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    public static partial int Ioctl(int fd, nuint request, void* argument);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    public static partial int Fcntl(int fd, int command, nint argument);

    [LibraryImport("libc", EntryPoint = "linkat", SetLastError = true)]
    public static partial int LinkAt(int targetDirectory, byte* target, int directory, byte* name, int flags);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    public static partial int Fallocate(int fd, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "access", SetLastError = true)]
    public static partial int Access(byte* path, int mode);

    [LibraryImport("libc", EntryPoint = "realpath", SetLastError = true)]
    public static partial byte* RealPath(byte* path, byte* resolved);

    [LibraryImport("libc", EntryPoint = "getrandom", SetLastError = true)]
    public static partial nint GetRandom(void* buffer, nuint size, uint flags);

    [LibraryImport("libc", EntryPoint = "getpid")]
    public static partial int GetPid();

    [LibraryImport("libc", EntryPoint = "getenv")]
    public static partial byte* GetEnv(byte* name);

    /// <summary>With <see cref="AT_EMPTY_PATH"/> and an empty path: of the descriptor itself.</summary>
    [LibraryImport("libc", EntryPoint = "statx", SetLastError = true)]
    public static partial int StatX(int fd, byte* path, int flags, uint mask, FileStat* stat);

    [LibraryImport("libc", EntryPoint = "clock_gettime", SetLastError = true)]
    public static partial int ClockGetTime(int clock, TimeSpec* time);
}

/// <summary>struct timespec.</summary>
[StructLayout(LayoutKind.Sequential)]
public struct TimeSpec
{
    public const int Realtime = 0;

    public long Seconds;
    public long Nanoseconds;

    public readonly bool IsBefore(in TimeSpec other) =>
        Seconds < other.Seconds || (Seconds == other.Seconds && Nanoseconds < other.Nanoseconds);
}

/// <summary>struct statx, as far as it is used here.</summary>
[StructLayout(LayoutKind.Explicit, Size = 256)]
public unsafe struct FileStat
{
    [FieldOffset(20)] public uint Uid;
    [FieldOffset(24)] public uint Gid;
    [FieldOffset(28)] public ushort Mode;
    [FieldOffset(32)] public ulong Inode;
    [FieldOffset(40)] public ulong Size;

    /// <summary>Of an open file; false with the reason in errno.</summary>
    public static bool TryOf(int fd, out FileStat stat)
    {
        byte empty = 0;
        fixed (FileStat* target = &stat)
            return LibC.StatX(fd, &empty, LibC.AT_EMPTY_PATH, LibC.STATX_BASIC_STATS, target) == 0;
    }
}
