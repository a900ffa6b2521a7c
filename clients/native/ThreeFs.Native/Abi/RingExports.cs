using System.Runtime.InteropServices;
using ThreeFs.Native.Files;
using ThreeFs.Native.Rings;
using ThreeFs.UsrbIo;
using ThreeFs.UsrbIo.Linux;

namespace ThreeFs.Native.Abi;

/// <summary>hf3fs_ior*, and operations on rings. Contracts are in include/hf3fs_usrbio.h.</summary>
internal static unsafe class RingExports
{
    private const long DefaultJitter = 1_000_000;
    private static long _jitter;

    [UnmanagedCallersOnly(EntryPoint = "hf3fs_ior_size")]
    public static nuint SizeOf(int entries) => (nuint)RingLayout.SizeOf(entries);

    [UnmanagedCallersOnly(EntryPoint = "hf3fs_iorcreate")]
    public static int Create(Ior* ior, byte* mountPoint, int entries, byte forRead, int depth, int numa) =>
        Make(ior, mountPoint, entries, forRead, depth, 0, 0, numa, 0);

    [UnmanagedCallersOnly(EntryPoint = "hf3fs_iorcreate2")]
    public static int Create2(
        Ior* ior, byte* mountPoint, int entries, byte forRead, int depth, int priority, int numa) =>
        Make(ior, mountPoint, entries, forRead, depth, priority, 0, numa, 0);

    [UnmanagedCallersOnly(EntryPoint = "hf3fs_iorcreate3")]
    public static int Create3(
        Ior* ior, byte* mountPoint, int entries, byte forRead, int depth, int priority, int timeout, int numa) =>
        Make(ior, mountPoint, entries, forRead, depth, priority, timeout, numa, 0);

    [UnmanagedCallersOnly(EntryPoint = "hf3fs_iorcreate4")]
    public static int Create4(
        Ior* ior, byte* mountPoint, int entries, byte forRead, int depth, int timeout, int numa, ulong flags) =>
        Make(ior, mountPoint, entries, forRead, depth, 0, timeout, numa, flags);

    [UnmanagedCallersOnly(EntryPoint = "hf3fs_iordestroy")]
    public static void Destroy(Ior* ior)
    {
        if (ior == null || ior->Handle == null) return;
        AppRing.Destroy((AppRing*)ior->Handle, ior->MountPoint);
        ior->Handle = null;
        ior->Iov.Base = null;
    }

    [UnmanagedCallersOnly(EntryPoint = "hf3fs_io_entries")]
    public static int Entries(Ior* ior) => ior == null ? -LibC.EINVAL : RingLayout.EntriesIn((long)ior->Iov.Size);

    [UnmanagedCallersOnly(EntryPoint = "hf3fs_prep_io")]
    public static int Prepare(
        Ior* ior, Iov* iov, byte read, void* memory, int fd, nuint offset, ulong length, void* userData)
    {
        if (ior == null || iov == null || memory == null || ior->Handle == null || length == 0) return -LibC.EINVAL;
        if ((read != 0) != (ior->ForRead != 0) || fd == int.MinValue) return -LibC.EINVAL;
        var start = (nuint)memory - (nuint)iov->Base;
        if ((byte*)memory < iov->Base || start > iov->Size || length > iov->Size - start) return -LibC.EINVAL;
        var file = FileTable.Find(Math.Abs(fd));
        if (file == null) return -LibC.EBADF;
        if (file->Access == (read != 0 ? LibC.O_WRONLY : LibC.O_RDONLY)) return -LibC.EACCES;
        return ((AppRing*)ior->Handle)->Prepare(new RingOperation
        {
            Buffer = iov->Id,
            BufferOffset = start,
            Inode = file->Inode,
            FileOffset = offset,
            Length = length,
            UserData = (ulong)userData,
        });
    }

    [UnmanagedCallersOnly(EntryPoint = "hf3fs_submit_ios")]
    public static int Submit(Ior* ior)
    {
        if (ior == null || ior->Handle == null) return -LibC.EINVAL;
        ((AppRing*)ior->Handle)->Submit();
        return 0;
    }

    [UnmanagedCallersOnly(EntryPoint = "hf3fs_wait_for_ios")]
    public static int Wait(Ior* ior, Cqe* results, int most, int least, TimeSpec* until)
    {
        if (ior == null || ior->Handle == null || results == null || most <= 0) return -LibC.EINVAL;
        return ((AppRing*)ior->Handle)->Wait(results, most, Math.Min(least, most), until, Jitter());
    }

    private static int Make(
        Ior* ior, byte* mountPoint, int entries, byte forRead, int depth, int priority, int timeout, int numa,
        ulong flags)
    {
        if (!BufferExports.IsUsable(ior, mountPoint) || timeout < 0) return -LibC.EINVAL;
        if (entries is <= 0 or > RingLayout.MaxEntries) return -LibC.EINVAL;
        if (!CString.TryNewId(out var id)) return -LibC.EINVAL;
        var rank = priority switch { < 0 => RingPriority.High, 0 => RingPriority.Normal, _ => RingPriority.Low };
        var key = new RegistryKey(id, 0, true, forRead != 0, depth, timeout, (RingFlags)flags, rank);
        var error = AppRing.Create(mountPoint, entries, key, numa, out var ring);
        if (error != 0) return error;
        BufferExports.Fill(&ior->Iov, ring->Memory->Base, null, id, mountPoint, ring->Memory->Size, 0, numa);
        ior->Handle = ring;
        new CString(ior->MountPoint, Iov.MountPointSize).Add(mountPoint);
        ior->ForRead = forRead;
        ior->Depth = depth;
        ior->Priority = priority;
        ior->Timeout = timeout;
        ior->Flags = flags;
        return 0;
    }

    /// <summary>Longest single sleep, nanoseconds; read from the environment once.</summary>
    private static long Jitter()
    {
        if (_jitter != 0) return _jitter;
        fixed (byte* name = "HF3FS_USRBIO_WAIT_JITTER_MS\0"u8)
        {
            var text = LibC.GetEnv(name);
            var isNumber = System.Buffers.Text.Utf8Parser.TryParse(
                text == null ? default : MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text), out int ms, out _);
            return _jitter = isNumber && ms is > 0 and < 60_000 ? ms * 1_000_000L : DefaultJitter;
        }
    }
}
