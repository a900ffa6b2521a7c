using ThreeFs.Base;
using ThreeFs.UsrbIo.Linux;

namespace ThreeFs.Fuse.Rings;

/// <summary>Whether an open file may be registered as shared memory by a user.</summary>
internal static class SharedFile
{
    private const uint TypeMask = 0xF000, Regular = 0x8000;

    /// <summary>
    /// Its size: a regular file that the user can read and write himself, so that registering it gives him nothing that he does not
    /// have. AccessDenied otherwise; InvalidArgument when it is empty or no regular file.
    /// </summary>
    public static Result<long> Check(int fd, uint uid, uint gid)
    {
        if (!FileStat.TryOf(fd, out var stat)) return new Status(StatusCode.IoError, "fstat failed");
        if ((stat.Mode & TypeMask) != Regular || stat.Size is 0 or > long.MaxValue)
            return new Status(StatusCode.InvalidArgument, "shared memory is a file with a size");
        var shift = uid == stat.Uid ? 6 : gid == stat.Gid ? 3 : 0;
        const uint readWrite = 6;
        return uid == 0 || ((stat.Mode >> shift) & readWrite) == readWrite
            ? (long)stat.Size
            : new Status(StatusCode.AccessDenied, $"user {uid} may not read and write it");
    }
}
