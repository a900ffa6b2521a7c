using System.Runtime.InteropServices;
using ThreeFs.Native.Buffers;
using ThreeFs.UsrbIo;
using ThreeFs.UsrbIo.Linux;

namespace ThreeFs.Native.Abi;

/// <summary>
/// hf3fs_iov*: memory that the mount reads into and writes from. Contracts are in include/hf3fs_usrbio.h.
/// </summary>
internal static unsafe class BufferExports
{
    [UnmanagedCallersOnly(EntryPoint = "hf3fs_iovcreate")]
    public static int Create(Iov* iov, byte* mountPoint, nuint size, nuint blockSize, int numa)
    {
        if (!IsUsable(iov, mountPoint) || !CString.TryNewId(out var id)) return -LibC.EINVAL;
        var key = RegistryKey.OfBuffer(id, blockSize);
        var error = Registration.Create(mountPoint, size, key, numa, out var registration);
        if (error == 0) Fill(iov, registration->Base, registration, id, mountPoint, size, blockSize, numa);
        return error;
    }

    [UnmanagedCallersOnly(EntryPoint = "hf3fs_iovopen")]
    public static int Open(Iov* iov, byte* id, byte* mountPoint, nuint size, nuint blockSize, int numa)
    {
        if (!IsUsable(iov, mountPoint) || id == null) return -LibC.EINVAL;
        var buffer = Marshal16(id);
        var key = RegistryKey.OfBuffer(buffer, blockSize);
        var error = Registration.Open(mountPoint, size, key, numa, out var registration);
        if (error == 0) Fill(iov, registration->Base, registration, buffer, mountPoint, size, blockSize, numa);
        return error;
    }

    [UnmanagedCallersOnly(EntryPoint = "hf3fs_iovwrap")]
    public static int Wrap(Iov* iov, void* memory, byte* id, byte* mountPoint, nuint size, nuint blockSize, int numa)
    {
        if (!IsUsable(iov, mountPoint) || id == null) return -LibC.EINVAL;
        Fill(iov, (byte*)memory, null, Marshal16(id), mountPoint, size, blockSize, numa);
        Numa.Prefer((byte*)memory, size, numa);
        return 0;
    }

    [UnmanagedCallersOnly(EntryPoint = "hf3fs_iovunlink")]
    public static void Unlink(Iov* iov)
    {
        if (iov != null && iov->Handle != null) ((Registration*)iov->Handle)->UnlinkName();
    }

    [UnmanagedCallersOnly(EntryPoint = "hf3fs_iovdestroy")]
    public static void Destroy(Iov* iov)
    {
        if (iov == null || iov->Handle == null) return;
        var key = RegistryKey.OfBuffer(iov->Id, iov->BlockSize);
        Registration.Destroy((Registration*)iov->Handle, iov->MountPoint, key);
        iov->Handle = null;
        iov->Base = null;
    }

    /// <summary>There is somewhere to put the answer, and the mount point fits into it.</summary>
    public static bool IsUsable(void* answer, byte* mountPoint) =>
        answer != null && mountPoint != null && *mountPoint != 0 && CString.LengthOf(mountPoint) < Iov.MountPointSize;

    public static void Fill(
        Iov* iov, byte* memory, void* handle, BufferId id, byte* mountPoint, nuint size, nuint blockSize, int numa)
    {
        iov->Base = memory;
        iov->Handle = handle;
        iov->Id = id;
        new CString(iov->MountPoint, Iov.MountPointSize).Add(mountPoint);
        iov->Size = size;
        iov->BlockSize = blockSize;
        iov->Numa = numa;
    }

    private static BufferId Marshal16(byte* id) => System.Runtime.CompilerServices.Unsafe.ReadUnaligned<BufferId>(id);
}
