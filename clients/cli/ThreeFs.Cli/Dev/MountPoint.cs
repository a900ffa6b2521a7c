using ThreeFs.Base;
using ThreeFs.Fuse.Mounting;

namespace ThreeFs.Cli.Dev;

/// <summary>The directory a local cluster is mounted at.</summary>
internal static class MountPoint
{
    /// <summary>Whether it can be mounted at, or is mounted by the given role already.</summary>
    public static Status Check(string path, RoleDirectory mount)
    {
        if (PidFile.RunningProcess(mount.PidFile) is not null) return Status.Ok;
        var type = MountEntry.TypeAt(path);
        if (type is not null && !type.StartsWith("fuse", StringComparison.Ordinal))
            return Wrong($"mount point {path} is in use: a file system of type {type} is mounted there; choose another with --mount");
        if (type is not null) return Status.Ok;
        if (File.Exists(path)) return Wrong($"mount point {path} is a file; choose a directory with --mount");
        if (!Directory.Exists(path)) return Status.Ok;
        return Directory.EnumerateFileSystemEntries(path).Any()
            ? Wrong($"mount point {path} is not empty; mounting would hide what is in it; choose another with --mount")
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
                var question = Task.Run(() => new DriveInfo(path).TotalSize > 0 && Directory.Exists(path), CancellationToken.None);
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

    private static Status Wrong(string message) => new(StatusCode.Busy, message);
}
