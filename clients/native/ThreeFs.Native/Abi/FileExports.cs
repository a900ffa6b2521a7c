using System.Runtime.InteropServices;
using ThreeFs.Native.Files;
using ThreeFs.UsrbIo.Linux;

namespace ThreeFs.Native.Abi;

/// <summary>
/// Files on the mount: registering them for rings, and what else the library offers. Contracts are in
/// include/hf3fs_usrbio.h.
/// </summary>
internal static unsafe class FileExports
{
    private const uint GetMagicNumber = 0x80046802;
    private const uint MagicNumber = 0x8F3F5FFF;
    private const int MaxRanges = 1000;

    [UnmanagedCallersOnly(EntryPoint = "hf3fs_is_hf3fs")]
    public static byte IsOnMount(int fd) => (byte)(IsOurs(fd) ? 1 : 0);

    [UnmanagedCallersOnly(EntryPoint = "hf3fs_reg_fd")]
    public static int Register(int fd, ulong flags)
    {
        if (fd < 0 || !IsOurs(fd)) return LibC.EBADF;
        if (FileTable.Find(fd) != null) return LibC.EINVAL;
        if (!FileStat.TryOf(fd, out var stat)) return LibC.Errno;
        var access = LibC.Fcntl(fd, LibC.F_GETFL, 0);
        if (access < 0) return LibC.Errno;
        var duplicate = LibC.Fcntl(fd, LibC.F_DUPFD_CLOEXEC, 0);
        if (duplicate < 0) return LibC.Errno;
        var file = (RegisteredFile*)NativeMemory.Alloc((nuint)sizeof(RegisteredFile));
        *file = new RegisteredFile
        {
            Inode = stat.Inode, Access = access & LibC.O_ACCMODE, Descriptor = fd, Duplicate = duplicate,
        };
        if (!FileTable.TryAdd(fd, file))
        {
            LibC.Close(duplicate);
            NativeMemory.Free(file);
            return LibC.EINVAL;
        }

        // A closed descriptor whose registration was left behind may have had this number.
        FileTable.Remove(duplicate);
        FileTable.TryAdd(duplicate, file);
        return -duplicate;
    }

    [UnmanagedCallersOnly(EntryPoint = "hf3fs_dereg_fd")]
    public static void Deregister(int fd)
    {
        var file = FileTable.Find(fd);
        if (file == null) return;
        if (FileTable.Find(file->Descriptor) == file) FileTable.Remove(file->Descriptor);
        if (FileTable.Find(file->Duplicate) == file) FileTable.Remove(file->Duplicate);
        LibC.Close(file->Duplicate);
        NativeMemory.Free(file);
    }

    [UnmanagedCallersOnly(EntryPoint = "hf3fs_hardlink")]
    public static int HardLink(byte* target, byte* name)
    {
        if (target == null || name == null) return LibC.EINVAL;
        const int here = LibC.AT_FDCWD;
        return LibC.LinkAt(here, target, here, name, LibC.AT_SYMLINK_FOLLOW) == 0 ? 0 : LibC.Errno;
    }

    [UnmanagedCallersOnly(EntryPoint = "hf3fs_punchhole")]
    public static int PunchHole(int fd, int count, nuint* starts, nuint* ends, nuint flags)
    {
        if (count is < 0 or > MaxRanges || (count > 0 && (starts == null || ends == null))) return LibC.EINVAL;
        if (!IsOurs(fd)) return LibC.EBADF;
        for (var i = 0; i < count; i++)
            if (ends[i] <= starts[i] || ends[i] > long.MaxValue) return LibC.EINVAL;
        for (var i = 0; i < count; i++)
        {
            const int mode = LibC.FALLOC_FL_PUNCH_HOLE | LibC.FALLOC_FL_KEEP_SIZE;
            if (LibC.Fallocate(fd, mode, (long)starts[i], (long)(ends[i] - starts[i])) != 0) return LibC.Errno;
        }

        return 0;
    }

    private static bool IsOurs(int fd)
    {
        uint magic = 0;
        return LibC.Ioctl(fd, GetMagicNumber, &magic) == 0 && magic == MagicNumber;
    }
}
