using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ThreeFs.Native.Abi;
using ThreeFs.UsrbIo;
using ThreeFs.UsrbIo.Linux;

namespace ThreeFs.Native.Buffers;

/// <summary>
/// Shared memory of this process that is registered with a mount, or memory of another process that was opened; lives
/// in native memory.
/// </summary>
internal unsafe struct Registration
{
    private const int NameSize = 64;
    private const int PathSize = 4096;

    public byte* Base;
    public nuint Size;

    /// <summary>
    /// The process that made it, whose registration ends with it; 0: it was opened. In a forked child it is only
    /// memory.
    /// </summary>
    private int _maker;

    private bool _hasName;
    private fixed byte _name[NameSize];

    /// <summary>Creates the memory and registers it. 0 or a negative error number.</summary>
    [MethodImpl(Export.NotInline)]
    public static int Create(byte* mountPoint, nuint size, RegistryKey key, int numa, out Registration* registration)
    {
        registration = null;
        var made = (Registration*)NativeMemory.AllocZeroed((nuint)sizeof(Registration));
        made->_maker = LibC.GetPid();
        made->Size = size;
        var error = made->MakeMemory(key.Id, numa);
        if (error == 0) error = made->Register(mountPoint, key);
        if (error == 0)
        {
            registration = made;
            return 0;
        }

        made->Free();
        return error;
    }

    /// <summary>Maps memory that another process has registered. 0 or a negative error number.</summary>
    [MethodImpl(Export.NotInline)]
    public static int Open(byte* mountPoint, nuint size, RegistryKey key, int numa, out Registration* registration)
    {
        registration = null;
        byte* link = stackalloc byte[PathSize], path = stackalloc byte[PathSize];
        if (!PathOf(mountPoint, key, link)) return -LibC.EINVAL;
        var length = LibC.ReadLink(link, path, PathSize - 1);
        if (length < 0) return -LibC.Errno;
        path[length] = 0;
        if (!new ReadOnlySpan<byte>(path, (int)length).StartsWith("/dev/shm/"u8)) return -LibC.EINVAL;
        var made = (Registration*)NativeMemory.AllocZeroed((nuint)sizeof(Registration));
        made->Size = size;
        var fd = LibC.Open(path, LibC.O_RDWR | LibC.O_CLOEXEC, 0);
        var error = fd >= 0 ? made->Map(fd, numa) : LibC.Errno == LibC.ENOENT ? -LibC.ENOENT : -LibC.EIO;
        if (fd >= 0) LibC.Close(fd);
        if (error != 0) made->Free();
        else registration = made;
        return error;
    }

    /// <summary>Takes the name away; the memory stays, here and where it is mapped.</summary>
    [MethodImpl(Export.NotInline)]
    public void UnlinkName()
    {
        if (!_hasName || _maker != LibC.GetPid()) return;
        _hasName = false;
        fixed (byte* name = _name) LibC.Unlink(name);
    }

    /// <summary>Ends the registration if this process made it, unmaps, and frees this.</summary>
    [MethodImpl(Export.NotInline)]
    public static void Destroy(Registration* registration, byte* mountPoint, RegistryKey key)
    {
        byte* link = stackalloc byte[PathSize];
        if (registration->_maker == LibC.GetPid() && PathOf(mountPoint, key, link)) LibC.Unlink(link);
        registration->Free();
    }

    private int MakeMemory(BufferId id, int numa)
    {
        fixed (byte* name = _name)
        {
            new CString(name, NameSize).Add("/dev/shm/hf3fs-iov-"u8).Add(RegistryKey.OfBuffer(id, 0));
            var fd = LibC.Open(name, LibC.O_RDWR | LibC.O_CREAT | LibC.O_EXCL | LibC.O_CLOEXEC, 0x1B6);
            if (fd < 0) return -LibC.EIO;
            _hasName = true;
            LibC.ChangeMode(fd, 0x1B6); // past the umask: the mount may run as another user
            var error = LibC.Truncate(fd, (long)Size) == 0 ? Map(fd, numa) : -LibC.EIO;
            LibC.Close(fd);
            return error;
        }
    }

    private int Map(int fd, int numa)
    {
        var memory = LibC.Map(null, Size, LibC.PROT_READ | LibC.PROT_WRITE, LibC.MAP_SHARED, fd, 0);
        if (memory == LibC.MapFailed) return -LibC.EIO;
        Base = (byte*)memory;
        Numa.Prefer(Base, Size, numa);
        return 0;
    }

    private int Register(byte* mountPoint, in RegistryKey key)
    {
        byte* link = stackalloc byte[PathSize];
        if (!PathOf(mountPoint, key, link)) return -LibC.EINVAL;
        var anchored = Anchors.Hold(mountPoint);
        if (anchored != 0) return anchored;
        fixed (byte* name = _name) return LibC.Symlink(name, link) == 0 ? 0 : -LibC.Errno;
    }

    private static bool PathOf(byte* mountPoint, in RegistryKey key, byte* link) =>
        new CString(link, PathSize).Add(mountPoint).Add("/3fs-virt/iovs/"u8).Add(key).Fits;

    private void Free()
    {
        UnlinkName();
        if (Base != null) LibC.Unmap(Base, Size);
        fixed (Registration* self = &this) NativeMemory.Free(self);
    }
}
