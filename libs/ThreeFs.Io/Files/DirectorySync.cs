using ThreeFs.Base;
using ThreeFs.Io.Linux;
using static Tmds.Linux.LibC;

namespace ThreeFs.Io.Files;

/// <summary>Makes names durable: a new file survives the machine only when its directory was flushed after its creation.</summary>
public static class DirectorySync
{
    /// <summary>Flushes the entries of a directory. Blocks; meant for start-up.</summary>
    public static Status Flush(string directory)
    {
        var handle = Sys.Open(directory, O_RDONLY | O_DIRECTORY, 0);
        if (handle < 0) return Errno.ToStatus(-handle, $"open directory {directory}");
        var error = fsync(handle) == 0 ? 0 : errno;
        Sys.Close(handle);
        return Errno.ToStatus(error, $"flush directory {directory}");
    }
}
