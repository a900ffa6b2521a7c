using ThreeFs.Base;
using ThreeFs.Fuse.Mounting;

namespace ThreeFs.Cli.Dev;

/// <summary>The directory a local cluster is mounted at.</summary>
internal static class MountPoint
{
    /// <summary>Whether it can be mounted at, or is mounted by the cluster already. Nothing is made.</summary>
    public static Status Check(string path, ClusterDirectory directory)
    {
        var apart = CheckApart(path, directory);
        if (!apart.IsOk) return apart;
        if (PidFile.RunningProcess(directory.Role("mount").PidFile) is not null) return Status.Ok;
        var type = MountEntry.TypeAt(path);
        if (type is not null && !type.StartsWith("fuse", StringComparison.Ordinal))
        {
            return InUse(
                $"mount point {path} is in use: a file system of type {type} is mounted there; "
                + "choose another with --mount");
        }

        if (type is not null) return Status.Ok;
        if (Obstacle.At(path) is { } obstacle)
            return InUse($"cannot mount there: {obstacle}; choose another directory with --mount");
        return Directory.Exists(path) && Directory.EnumerateFileSystemEntries(path).Any()
            ? InUse($"mount point {path} is not empty; mounting would hide what is in it; choose another with --mount")
            : Status.Ok;
    }

    /// <summary>True when the file system answers; false when given up.</summary>
    public static async Task<bool> WaitUntilItAnswersAsync(string path, CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            // On a thread of its own: a mount that does not answer blocks whoever asks.
            if (MountEntry.TypeAt(path)?.StartsWith("fuse", StringComparison.Ordinal) == true)
            {
                var question = Task.Run(
                    () => new DriveInfo(path).TotalSize > 0 && Directory.Exists(path), CancellationToken.None);
                try
                {
                    if (await question.WaitAsync(ct)) return true;
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException or OperationCanceledException)
                {
                    // Not yet.
                }
            }

            try
            {
                await Task.Delay(20, ct);
            }
            catch (OperationCanceledException)
            {
                return false;
            }
        }

        return false;
    }

    /// <summary>Refuses a mount over, or inside of, what the cluster needs, such as a data path elsewhere.</summary>
    public static Status CheckApart(string path, IEnumerable<string> needed)
    {
        var mount = MountEntry.WithoutLinks(path);
        foreach (var part in needed)
        {
            var real = MountEntry.WithoutLinks(part);
            if (IsIn(real, mount) || IsIn(mount, real)) return Hides(path, part);
        }

        return Status.Ok;
    }

    /// <summary>
    /// Refuses a mount over files of the cluster: it would hide them from the processes that serve it, which then wait
    /// for themselves. Paths are compared as the kernel sees them, symbolic links followed.
    /// </summary>
    private static Status CheckApart(string path, ClusterDirectory directory)
    {
        var mount = MountEntry.WithoutLinks(path);
        var own = MountEntry.WithoutLinks(directory.Path);
        if (IsIn(own, mount))
        {
            return Wrong(
                $"mount point {path} would hide the cluster's own directory {directory.Path}; "
                + "choose one apart with --mount");
        }

        if (IsIn(mount, own) && IsNeeded(Path.GetRelativePath(own, mount).Split('/')[0], out var part))
            return Hides(path, part);
        if (!Directory.Exists(own)) return Status.Ok;

        // What is a link there may lead to where the mount is to be.
        var names = Directory.EnumerateFileSystemEntries(own).Select(e => Path.GetFileName(e));
        return CheckApart(path, names.Where(n => IsNeeded(n, out _)).Select(n => Path.Combine(directory.Path, n)));

        bool IsNeeded(string name, out string needed)
        {
            needed = Path.Combine(directory.Path, name);
            return name != "mnt" && ClusterDirectory.Owns(name);
        }
    }

    private static Status Hides(string path, string needed) =>
        Wrong($"mount point {path} would hide {needed}, which the cluster needs; choose one apart with --mount");

    private static bool IsIn(string path, string directory) =>
        path == directory || path.StartsWith(directory.TrimEnd('/') + "/", StringComparison.Ordinal);

    private static Status Wrong(string message) => new(StatusCode.InvalidArgument, message);

    private static Status InUse(string message) => new(StatusCode.Busy, message);
}
