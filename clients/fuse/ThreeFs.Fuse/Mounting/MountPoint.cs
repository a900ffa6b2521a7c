using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Fuse.Native;
using ThreeFs.Fuse.Protocol;

namespace ThreeFs.Fuse.Mounting;

/// <summary>
/// Looks at the place where a mount is to be made: an existing directory that nothing is mounted on. The remains of a
/// mount whose process has died are taken away.
/// </summary>
internal static class MountPoint
{
    /// <summary>The absolute path without symlinks, as it will stand in /proc/mounts.</summary>
    public static Result<string> Prepare(string path, ILogger log)
    {
        if (string.IsNullOrWhiteSpace(path)) return new Status(StatusCode.InvalidArgument, "mount_point is not set");
        var full = Path.GetFullPath(path);
        if (full.Length > 1) full = full.TrimEnd('/');
        if (IsDead(full))
        {
            if (LibC.Unmount(full, LibC.MNT_DETACH) != 0)
                return new Status(StatusCode.Busy,
                    $"{full} holds a dead mount that cannot be removed ({LibC.LastError}); run: umount -l {full}");
            Log.StaleMountRemoved(log, full);
        }

        if (!Directory.Exists(full))
        {
            return File.Exists(full)
                ? new Status(StatusCode.NotDirectory, $"mount point {full} is not a directory")
                : new Status(StatusCode.NotFound, $"mount point {full} does not exist; run: mkdir -p {full}");
        }

        return FreeOf(MountEntry.WithoutLinks(full));
    }

    private static Result<string> FreeOf(string path)
    {
        foreach (var mount in MountEntry.ReadAll())
        {
            if (mount.MountPoint != path) continue;
            return new Status(StatusCode.Busy,
                $"{path} is already a mount point ({mount.Type} of {mount.Source}); "
                + $"run: umount {path}, or choose another directory");
        }

        return path;
    }

    /// <summary>Whoever served the mount is gone: "Transport endpoint is not connected".</summary>
    private static bool IsDead(string path) =>
        LibC.Access(path, 0) != 0 && LibC.LastError is Errno.ENOTCONN or Errno.ECONNABORTED;
}
