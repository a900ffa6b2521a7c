using System.Runtime.InteropServices;
using ThreeFs.Fuse.Protocol;

namespace ThreeFs.Fuse.Tests.Support;

/// <summary>
/// System calls for tests. Mapped memory is only touched inside a system or library call: this process serves the
/// mount it uses, and a page fault in managed code would stop the collector, and with it the threads that could answer
/// the fault.
/// </summary>
internal static unsafe partial class Posix
{
    public const int O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2, O_CREAT = 0x40, O_EXCL = 0x80, O_TRUNC = 0x200,
        O_APPEND = 0x400, O_DIRECT = 0x4000;
    public const int PROT_READ = 1, PROT_WRITE = 2, MAP_SHARED = 1, MS_SYNC = 4;
    public const int RENAME_NOREPLACE = 1, RENAME_EXCHANGE = 2;
    public const int FALLOC_KEEP_SIZE = 0x1, FALLOC_PUNCH_HOLE = 0x2, FALLOC_COLLAPSE_RANGE = 0x8,
        FALLOC_ZERO_RANGE = 0x10;
    public const int SEEK_DATA = 3, SEEK_HOLE = 4;

    public static Errno Error => (Errno)Marshal.GetLastPInvokeError();

    /// <summary>Ok, or the error of a call that answers -1.</summary>
    public static Errno Result(long answer) => answer < 0 ? Error : Errno.Ok;

    public static int MustOpen(string path, int flags, int mode = 0x1A4)
    {
        var fd = Open(path, flags, mode);
        Assert.True(fd >= 0, $"open {path}: {Error}");
        return fd;
    }

    public static nint Aligned(int size) => (nint)NativeMemory.AlignedAlloc((nuint)size, 4096);

    public static void Free(nint memory) => NativeMemory.AlignedFree((void*)memory);

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "close", SetLastError = true)]
    public static partial int Close(int fd);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    public static partial nint PRead(int fd, nint buffer, nint count, long offset);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    public static partial nint PWrite(int fd, nint buffer, nint count, long offset);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    public static partial nint Write(int fd, nint buffer, nint count);

    /// <summary>F_SETFL.</summary>
    public static int SetFlags(int fd, int flags) => FControl(fd, 4, flags);

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int FControl(int fd, int command, int argument);

    [LibraryImport("libc", EntryPoint = "opendir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint OpenDir(string path);

    [LibraryImport("libc", EntryPoint = "closedir", SetLastError = true)]
    public static partial int CloseDir(nint directory);

    [LibraryImport("libc", EntryPoint = "rewinddir")]
    public static partial void RewindDir(nint directory);

    [LibraryImport("libc", EntryPoint = "seekdir")]
    public static partial void SeekDir(nint directory, long position);

    [LibraryImport("libc", EntryPoint = "telldir", SetLastError = true)]
    public static partial long TellDir(nint directory);

    /// <summary>The next name, or null at the end.</summary>
    public static string? ReadDir(nint directory)
    {
        const int nameOffset = 19;
        Marshal.SetLastSystemError(0);
        var entry = NextEntry(directory);
        if (entry == 0)
        {
            Assert.True(Marshal.GetLastPInvokeError() == 0, $"readdir failed at {TellDir(directory):x}: {Error}");
            return null;
        }

        return Marshal.PtrToStringUTF8(entry + nameOffset);
    }

    [LibraryImport("libc", EntryPoint = "readdir", SetLastError = true)]
    private static partial nint NextEntry(nint directory);

    public const short F_RDLCK = 0, F_WRLCK = 1, F_UNLCK = 2;
    public const int F_GETLK = 5, F_SETLK = 6, F_SETLKW = 7, F_OFD_SETLK = 37;
    public const int LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8;

    /// <summary>fcntl(2) with a lock of the whole range; the one that stands in the way comes back from F_GETLK.</summary>
    public static Errno Lock(int fd, int command, ref FileLock wanted)
    {
        fixed (FileLock* p = &wanted) return Result(FLockControl(fd, command, p));
    }

    public static Errno Lock(int fd, short type, long start = 0, long length = 0)
    {
        var wanted = new FileLock { Type = type, Start = start, Length = length };
        return Lock(fd, F_SETLK, ref wanted);
    }

    /// <summary>struct flock of x86-64 and arm64.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct FileLock
    {
        public short Type;
        public short Whence;
        public long Start;
        public long Length;
        public int Pid;
    }

    [LibraryImport("libc", EntryPoint = "fcntl", SetLastError = true)]
    private static partial int FLockControl(int fd, int command, FileLock* wanted);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    public static partial int FLock(int fd, int operation);

    [LibraryImport("libc", EntryPoint = "ftruncate", SetLastError = true)]
    public static partial int FTruncate(int fd, long length);

    [LibraryImport("libc", EntryPoint = "fsync", SetLastError = true)]
    public static partial int FSync(int fd);

    [LibraryImport("libc", EntryPoint = "fallocate", SetLastError = true)]
    public static partial int FAllocate(int fd, int mode, long offset, long length);

    [LibraryImport("libc", EntryPoint = "lseek", SetLastError = true)]
    public static partial long LSeek(int fd, long offset, int whence);

    [LibraryImport("libc", EntryPoint = "mmap", SetLastError = true)]
    public static partial nint MMap(nint address, nint length, int protection, int flags, int fd, long offset);

    [LibraryImport("libc", EntryPoint = "munmap", SetLastError = true)]
    public static partial int MUnmap(nint address, nint length);

    [LibraryImport("libc", EntryPoint = "msync", SetLastError = true)]
    public static partial int MSync(nint address, nint length, int flags);

    [LibraryImport("libc", EntryPoint = "memcpy")]
    public static partial nint MemCpy(nint to, nint from, nint length);

    [LibraryImport("libc", EntryPoint = "link", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Link(string from, string to);

    [LibraryImport("libc", EntryPoint = "rename", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Rename(string from, string to);

    [LibraryImport("libc", EntryPoint = "renameat2", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int RenameAt2(int fromDirectory, string from, int toDirectory, string to, uint flags);

    public static int Rename(string from, string to, uint flags) => RenameAt2(-100, from, -100, to, flags);

    [LibraryImport("libc", EntryPoint = "unlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Unlink(string path);

    [LibraryImport("libc", EntryPoint = "rmdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int RmDir(string path);

    [LibraryImport("libc", EntryPoint = "mkdir", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int MkDir(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "setxattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int SetXattr(string path, string name, string value, nint size, int flags);

    [LibraryImport("libc", EntryPoint = "getxattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint GetXattr(string path, string name, byte* value, nint size);

    [LibraryImport("libc", EntryPoint = "listxattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial nint ListXattr(string path, byte* list, nint size);

    [LibraryImport("libc", EntryPoint = "removexattr", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int RemoveXattr(string path, string name);

    [LibraryImport("libc", EntryPoint = "chmod", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int ChangeMode(string path, uint mode);

    [LibraryImport("libc", EntryPoint = "symlink", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int Symlink(string target, string path);

    [LibraryImport("libc", EntryPoint = "ioctl", SetLastError = true)]
    private static partial int IoControl(int fd, nuint request, void* argument);

    public static Errno IoControl(int fd, uint request, Span<byte> argument)
    {
        fixed (byte* p = argument) return Result(IoControl(fd, (nuint)request, p));
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    public static partial int Kill(int pid, int signal);
}
