using ThreeFs.Base;

namespace ThreeFs.Io.Linux;

/// <summary>The kernel's error numbers that somebody reacts to, and how they become a <see cref="Status"/>.</summary>
public static class Errno
{
    public const int EPERM = 1;
    public const int ENOENT = 2;
    public const int EINTR = 4;
    public const int EIO = 5;
    public const int EAGAIN = 11;
    public const int ENOMEM = 12;
    public const int EACCES = 13;
    public const int EFAULT = 14;
    public const int EBUSY = 16;
    public const int EEXIST = 17;
    public const int ENOTDIR = 20;
    public const int EISDIR = 21;
    public const int EINVAL = 22;
    public const int ENFILE = 23;
    public const int EMFILE = 24;
    public const int EFBIG = 27;
    public const int ENOSPC = 28;
    public const int EROFS = 30;
    public const int ENAMETOOLONG = 36;
    public const int ENOSYS = 38;
    public const int ETIME = 62;
    public const int EOPNOTSUPP = 95;
    public const int EADDRINUSE = 98;
    public const int EADDRNOTAVAIL = 99;
    public const int ECONNABORTED = 103;
    public const int ENOBUFS = 105;
    public const int EINPROGRESS = 115;
    public const int EDQUOT = 122;
    public const int ECANCELED = 125;

    /// <summary>The code a caller of a file or device reacts to.</summary>
    public static StatusCode ToStatusCode(int errno) => errno switch
    {
        0 => StatusCode.Ok,
        ENOSPC or EDQUOT => StatusCode.NoSpace,
        ENOENT => StatusCode.NotFound,
        EEXIST => StatusCode.AlreadyExists,
        EACCES => StatusCode.AccessDenied,
        EPERM => StatusCode.NotPermitted,
        ENOTDIR => StatusCode.NotDirectory,
        EISDIR => StatusCode.IsDirectory,
        EROFS => StatusCode.ReadOnlyFileSystem,
        ENAMETOOLONG => StatusCode.NameTooLong,
        EFBIG => StatusCode.FileTooLarge,
        EOPNOTSUPP or ENOSYS => StatusCode.NotSupported,
        EINVAL => StatusCode.InvalidArgument,
        EBUSY or EADDRINUSE => StatusCode.Busy,
        ENOMEM or EMFILE or ENFILE or ENOBUFS => StatusCode.Overloaded,
        ECANCELED => StatusCode.Cancelled,
        _ => StatusCode.IoError,
    };

    /// <summary>A status whose message says what failed, on what, and the kernel's words for why.</summary>
    public static Status ToStatus(int errno, string what) =>
        errno == 0 ? Status.Ok : new Status(ToStatusCode(errno), $"{what}: {Describe(errno)}");

    public static string Describe(int errno) =>
        $"{System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(errno)} (errno {errno})";
}
