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
    /// <summary>Of the file system under a path; fails when the path or its disk is gone.</summary>
    public static unsafe Result<DiskUsage> Of(string path)
    {
        statvfs info;
        fixed (byte* name = Encoding.UTF8.GetBytes(path + "\0"))
        {
            if (statvfs(name, &info) < 0) return Errno.ToStatus(errno, $"statvfs {path}");
        }

        var unit = (long)(ulong)info.f_frsize;
        return new DiskUsage(checked((long)(ulong)info.f_blocks * unit), checked((long)(ulong)info.f_bavail * unit));
    }
}
