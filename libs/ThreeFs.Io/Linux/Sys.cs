using System.Runtime.InteropServices;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace ThreeFs.Io.Linux;

/// <summary>
/// The system calls behind this library in one form: the result, or the error number negated as the kernel returns it.
/// Interrupted calls are repeated here.
/// </summary>
internal static unsafe class Sys
{
    private const int UringSetupNumber = 425;
    private const int UringEnterNumber = 426;

    public static int UringSetup(uint entries, UringParams* parameters) =>
        Result((long)syscall(UringSetupNumber, entries, parameters));

    /// <summary>Not repeated when interrupted: the caller's loop looks at its queues first.</summary>
    public static int UringEnter(int fd, uint submit, uint wait, uint flags, void* arg, nuint argSize) =>
        Result((long)syscall(UringEnterNumber, fd, submit, wait, flags, arg, (size_t)argSize));

    public static void* MapShared(nuint length, int fd, long offset, out int error)
    {
        var address = mmap(null, (size_t)length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, offset);
        error = address == MAP_FAILED ? errno : 0;
        return error == 0 ? address : null;
    }

    /// <summary>Maps without touching; the error number negated when it fails.</summary>
    public static nint Map(nint address, nuint length, int protection, int flags, int fd, long offset)
    {
        var mapped = mmap((void*)address, (size_t)length, protection, flags, fd, offset);
        return mapped == MAP_FAILED ? -errno : (nint)mapped;
    }

    public static void Unmap(void* address, nuint length) => munmap(address, (size_t)length);

    public static int EventFd() => Result(eventfd(0, EFD_CLOEXEC));

    /// <summary>Adds one to an event counter; it blocks only after 2⁶⁴ unread ones.</summary>
    public static void Signal(int eventFd)
    {
        var one = 1UL;
        while (Result((long)write(eventFd, &one, 8)) == -Errno.EINTR)
        {
        }
    }

    public static int Open(string path, int flags, uint mode)
    {
        var bytes = System.Text.Encoding.UTF8.GetByteCount(path);
        Span<byte> buffer = bytes < 512 ? stackalloc byte[bytes + 1] : new byte[bytes + 1];
        System.Text.Encoding.UTF8.GetBytes(path, buffer);
        buffer[bytes] = 0;
        fixed (byte* p = buffer)
        {
            int result;
            do result = Result(open(p, flags | O_CLOEXEC, (mode_t)mode));
            while (result == -Errno.EINTR);
            return result;
        }
    }

    /// <summary>
    /// Never repeated: after an interrupted close the number is free, and may be somebody else's already.
    /// </summary>
    public static void Close(int fd) => close(fd);

    public static int SetNonBlocking(int fd)
    {
        var flags = Result(fcntl(fd, F_GETFL));
        return flags < 0 ? flags : Result(fcntl(fd, F_SETFL, flags | O_NONBLOCK));
    }

    /// <summary>Bytes of an open file.</summary>
    public static long FileSize(int fd)
    {
        stat info;
        var result = Result(fstat(fd, &info));
        return result < 0 ? result : (long)info.st_size;
    }

    public static int FileIdentity(int fd, out ulong device, out ulong inode)
    {
        stat info;
        var result = Result(fstat(fd, &info));
        (device, inode) = result < 0 ? default : ((ulong)info.st_dev, (ulong)info.st_ino);
        return result;
    }

    public static int Truncate(int fd, long length)
    {
        int result;
        do result = Result(ftruncate(fd, length));
        while (result == -Errno.EINTR);
        return result;
    }

    /// <summary>The bytes written, which may be fewer; blocks.</summary>
    public static long WriteAt(int fd, void* source, nuint length, long offset)
    {
        long result;
        do result = Result((long)pwrite(fd, source, (size_t)length, offset));
        while (result == -Errno.EINTR);
        return result;
    }

    /// <summary>Looks at one file number without waiting.</summary>
    public static int Poll(pollfd* one) => Result((long)poll(one, 1, 0));

    /// <summary>Sends what fits without waiting.</summary>
    public static int SendMessage(int fd, msghdr* message, int flags)
    {
        int result;
        do result = Result((long)sendmsg(fd, message, flags));
        while (result == -Errno.EINTR);
        return result;
    }

    public static int Result(long value) => value < 0 ? -errno : (int)value;
}
