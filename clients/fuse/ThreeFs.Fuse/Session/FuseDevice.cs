using ThreeFs.Base;
using ThreeFs.Fuse.Native;
using ThreeFs.Fuse.Protocol;

namespace ThreeFs.Fuse.Session;

/// <summary>/dev/fuse and the mount(2) that binds a descriptor of it to a directory.</summary>
internal static unsafe class FuseDevice
{
    private const string Path = "/dev/fuse";

    public static Result<int> Open()
    {
        var fd = LibC.Open(Path, LibC.O_RDWR | LibC.O_CLOEXEC, 0);
        if (fd >= 0) return fd;
        return LibC.LastError switch
        {
            Errno.ENOENT or Errno.ENODEV or Errno.ENXIO => new Status(StatusCode.NotSupported,
                $"{Path} is not there: load the kernel's fuse module (modprobe fuse), "
                + $"or give the container the device (--device {Path})"),
            Errno.EACCES or Errno.EPERM => new Status(StatusCode.NotPermitted,
                $"{Path} may not be opened: run as root, or give the container the device (--device {Path})"),
            var error => new Status(StatusCode.IoError, $"{Path} cannot be opened: {error}"),
        };
    }

    /// <summary>Another descriptor of the same connection.</summary>
    public static Result<int> Clone(int fd)
    {
        var opened = Open();
        if (!opened.TryGet(out var clone)) return opened.Status;
        var source = (uint)fd;
        if (LibC.Ioctl(clone, FuseConstants.DeviceClone, &source) == 0) return clone;
        var error = LibC.LastError;
        LibC.Close(clone);
        return new Status(StatusCode.NotSupported, $"{Path} cannot be cloned: {error}");
    }

    public static Status Mount(int fd, string mountPoint, FuseSessionOptions options)
    {
        // Reads change no access time, which is said rather than shown as "relatime".
        var flags = LibC.MS_NOSUID | LibC.MS_NODEV | LibC.MS_NOATIME | (options.ReadOnly ? LibC.MS_RDONLY : 0);
        var data = $"fd={fd},rootmode=40000,user_id=0,group_id=0,default_permissions,max_read={options.MaxWrite}"
            + (options.AllowOther ? ",allow_other" : "");
        if (LibC.Mount(options.Source, mountPoint, $"fuse.{options.Subtype}", flags, data) == 0) return Status.Ok;
        return LibC.LastError switch
        {
            Errno.EPERM =>
                new Status(StatusCode.NotPermitted,
                    $"{mountPoint} cannot be mounted: only root may mount (CAP_SYS_ADMIN)"),
            Errno.EBUSY => new Status(StatusCode.Busy, $"{mountPoint} cannot be mounted: it is in use"),
            Errno.ENODEV =>
                new Status(StatusCode.NotSupported,
                    $"{mountPoint} cannot be mounted: the kernel has no FUSE (modprobe fuse)"),
            var error => new Status(StatusCode.IoError, $"{mountPoint} cannot be mounted: {error}"),
        };
    }
}
