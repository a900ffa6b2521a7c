using System.Text;
using ThreeFs.Base;
using ThreeFs.Io.Linux;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace ThreeFs.Io.Files;

/// <summary>Tells whether two directories, also of different processes of a host, are on one file system.</summary>
public static class DeviceIdentity
{
    private const string BootId = "/proc/sys/kernel/random/boot_id";

    /// <summary>
    /// A number that directories of one file system share and others do not: the device's number, mixed with what tells this run of the
    /// host from others. Not for disks: it changes when the host boots.
    /// </summary>
    public static unsafe Result<ulong> Of(string directory)
    {
        var handle = Sys.Open(directory, O_RDONLY | O_DIRECTORY, 0);
        if (handle < 0) return Errno.ToStatus(-handle, $"open directory {directory}");
        stat info;
        var error = fstat(handle, &info) == 0 ? 0 : errno;
        Sys.Close(handle);
        if (error != 0) return Errno.ToStatus(error, $"stat directory {directory}");
        var host = File.Exists(BootId) ? File.ReadAllText(BootId) : Environment.MachineName;
        return (ulong)Crc32C.Compute(Encoding.ASCII.GetBytes(host)) << 32 ^ (ulong)info.st_dev;
    }
}
