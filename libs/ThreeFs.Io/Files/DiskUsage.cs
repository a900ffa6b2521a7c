using System.Text;
using ThreeFs.Base;
using ThreeFs.Io.Linux;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace ThreeFs.Io.Files;

/// <summary>Space of a file system, bytes.</summary>
/// <param name="FreeBytes">What this process may still take.</param>
public readonly record struct DiskUsage(long CapacityBytes, long FreeBytes)
{
    /// <summary>Bytes of the longest path that Linux takes, with the zero at its end.</summary>
    private const int MaxPath = 4096;

    /// <summary>Of the file system under a path; fails when the path or its disk is gone. Allocates nothing.</summary>
    public static unsafe Result<DiskUsage> Of(string path)
    {
        var name = stackalloc byte[MaxPath];
        if (!Encoding.UTF8.TryGetBytes(path, new Span<byte>(name, MaxPath - 1), out var length))
            return new Status(StatusCode.InvalidArgument, $"a path has less than {MaxPath} bytes, not {path.Length} characters: {path}");
        name[length] = 0;
        statvfs info;
        if (statvfs(name, &info) < 0) return Errno.ToStatus(errno, $"statvfs {path}");

        var unit = (long)(ulong)info.f_frsize;
        return new DiskUsage(checked((long)(ulong)info.f_blocks * unit), checked((long)(ulong)info.f_bavail * unit));
    }
}
