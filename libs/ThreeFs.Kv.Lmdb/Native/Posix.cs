using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace ThreeFs.Kv.Lmdb.Native;

/// <summary>
/// The file calls that .NET does not offer: blocking advisory locks, fdatasync, sync of a directory, canonical paths.
/// </summary>
internal static partial class Posix
{
    public const int LockShared = 1;
    public const int LockExclusive = 2;
    public const int LockNonBlocking = 4;
    public const int Unlock = 8;

    private const int Eintr = 4;
    private const int OpenReadWrite = 2;
    private const int OpenCreate = 0x40;
    private const int OpenDirectory = 0x10000;
    private const int OpenCloseOnExec = 0x80000;

    /// <summary>
    /// Opens for reading and writing, creating the file when asked. .NET's own open takes an flock on every file, which
    /// would meet the locks of this engine.
    /// </summary>
    public static SafeFileHandle? Open(string path, bool create, out int errno)
    {
        var descriptor = open(path, OpenReadWrite | OpenCloseOnExec | (create ? OpenCreate : 0), 0x1A4);
        errno = descriptor < 0 ? Marshal.GetLastPInvokeError() : 0;
        return descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
    }

    /// <summary>
    /// 0 or an errno. The lock belongs to the open file and goes when it is closed or its process dies.
    /// </summary>
    public static int Lock(SafeFileHandle file, int operation)
    {
        while (flock(file, operation) != 0)
            if (Marshal.GetLastPInvokeError() is var errno && errno != Eintr) return errno;
        return 0;
    }

    /// <summary>
    /// 0 or an errno. After an error the kernel may have dropped the unwritten pages: never ask again and believe it.
    /// </summary>
    public static int SyncData(SafeFileHandle file)
    {
        while (fdatasync(file) != 0)
            if (Marshal.GetLastPInvokeError() is var errno && errno != Eintr) return errno;
        return 0;
    }

    public static int SyncDirectory(string path)
    {
        var descriptor = open(path, OpenDirectory | OpenCloseOnExec, 0);
        if (descriptor < 0) return Marshal.GetLastPInvokeError();
        using var handle = new SafeFileHandle(descriptor, ownsHandle: true);
        return fsync(handle) == 0 ? 0 : Marshal.GetLastPInvokeError();
    }

    /// <summary>The path without symbolic links, null when it does not exist.</summary>
    public static string? RealPath(string path)
    {
        var resolved = realpath(path, 0);
        if (resolved == 0) return null;
        var text = Marshal.PtrToStringUTF8(resolved);
        free(resolved);
        return text;
    }

    public static string Describe(int errno) => Marshal.GetPInvokeErrorMessage(errno);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int flock(SafeFileHandle file, int operation);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fdatasync(SafeFileHandle file);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fsync(SafeFileHandle file);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, uint mode);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint realpath(string path, nint buffer);

    [LibraryImport("libc")]
    private static partial void free(nint memory);
}
