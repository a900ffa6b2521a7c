using ThreeFs.Base;

namespace ThreeFs.Fuse.Protocol;

/// <summary>
/// How applications see a <see cref="StatusCode"/>: the metadata codes one to one, the others as far as programs know
/// them, and EIO for what they can do nothing about. ENOSYS is never an answer: the kernel would not ask again.
/// </summary>
internal static class ErrnoMap
{
    public static Errno Of(StatusCode code) => code switch
    {
        StatusCode.Ok => Errno.Ok,
        StatusCode.InvalidArgument => Errno.EINVAL,
        StatusCode.NotImplemented => Errno.EOPNOTSUPP,
        StatusCode.Cancelled => Errno.EINTR,
        StatusCode.NotFound => Errno.ENOENT,
        StatusCode.AlreadyExists => Errno.EEXIST,
        StatusCode.NotDirectory => Errno.ENOTDIR,
        StatusCode.IsDirectory => Errno.EISDIR,
        StatusCode.NotEmpty => Errno.ENOTEMPTY,
        StatusCode.TooManySymlinks => Errno.ELOOP,
        StatusCode.AccessDenied => Errno.EACCES,
        StatusCode.NotPermitted => Errno.EPERM,
        StatusCode.NameTooLong => Errno.ENAMETOOLONG,
        StatusCode.TooManyLinks => Errno.EMLINK,
        StatusCode.FileTooLarge => Errno.EFBIG,
        StatusCode.StaleHandle => Errno.ESTALE,
        StatusCode.CrossDevice => Errno.EXDEV,
        StatusCode.NotASymlink => Errno.EINVAL,
        StatusCode.InvalidLayout => Errno.EINVAL,
        StatusCode.ReadOnlyFileSystem => Errno.EROFS,
        StatusCode.NoSuchAttribute => Errno.ENODATA,
        StatusCode.Busy => Errno.EBUSY,
        StatusCode.NotSupported => Errno.EOPNOTSUPP,
        StatusCode.MoreToDo => Errno.EAGAIN,
        StatusCode.TooManyLocks => Errno.ENOLCK,
        StatusCode.NoSpace => Errno.ENOSPC,
        _ => Errno.EIO,
    };
}
