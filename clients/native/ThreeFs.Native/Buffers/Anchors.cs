using System.Runtime.InteropServices;
using ThreeFs.UsrbIo.Linux;

namespace ThreeFs.Native.Buffers;

/// <summary>
/// Keeps the registry directory of each mount open for as long as this process lives: when it is gone, the mount
/// forgets what it had registered. A forked child opens its own.
/// </summary>
internal static unsafe class Anchors
{
    private struct Anchor
    {
        public Anchor* Next;
        public int Process;
        public fixed byte MountPoint[Abi.Iov.MountPointSize];
    }

    private static nint _first;

    /// <summary>0 or a negative error number.</summary>
    public static int Hold(byte* mountPoint)
    {
        var process = LibC.GetPid();
        for (var a = (Anchor*)Volatile.Read(ref _first); a != null; a = a->Next)
            if (a->Process == process && IsSame(a, mountPoint)) return 0;

        // Two threads may both open it; that does no harm.
        byte* path = stackalloc byte[Abi.Iov.MountPointSize + 16];
        new CString(path, Abi.Iov.MountPointSize + 16).Add(mountPoint).Add("/3fs-virt/iovs"u8);
        if (LibC.Open(path, LibC.O_DIRECTORY | LibC.O_CLOEXEC, 0) < 0) return -LibC.Errno;
        var anchor = (Anchor*)NativeMemory.AllocZeroed((nuint)sizeof(Anchor));
        anchor->Process = process;
        new CString(anchor->MountPoint, Abi.Iov.MountPointSize).Add(mountPoint);
        nint head;
        do
        {
            head = Volatile.Read(ref _first);
            anchor->Next = (Anchor*)head;
        }
        while (Interlocked.CompareExchange(ref _first, (nint)anchor, head) != head);
        return 0;
    }

    private static bool IsSame(Anchor* anchor, byte* mountPoint) =>
        MemoryMarshal.CreateReadOnlySpanFromNullTerminated(anchor->MountPoint)
            .SequenceEqual(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(mountPoint));
}
