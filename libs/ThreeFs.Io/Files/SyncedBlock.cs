using System.Runtime.InteropServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Io.Linux;
using static Tmds.Linux.LibC;

namespace ThreeFs.Io.Files;

/// <summary>One block that is written past the page cache and flushed: the smallest thing that shows whether a disk works.</summary>
public static class SyncedBlock
{
    /// <summary>Writes 4 KiB in place, creating the file, and flushes. Blocks for as long as the disk takes.</summary>
    public static unsafe Status Write(string path)
    {
        const uint ownerOnly = 0x180; // rw-------
        var handle = Sys.Open(path, O_RDWR | O_CREAT | O_DIRECT, ownerOnly);
        if (handle == -Errno.EINVAL) handle = Sys.Open(path, O_RDWR | O_CREAT, ownerOnly); // tmpfs has no O_DIRECT
        if (handle < 0) return Errno.ToStatus(-handle, $"open {path}");
        var block = NativeMemory.AlignedAlloc(BufferPool.Alignment, BufferPool.Alignment);
        new Span<byte>(block, BufferPool.Alignment).Clear();
        var written = Sys.WriteAt(handle, block, BufferPool.Alignment, 0);
        var error = written < 0 ? (int)-written : fdatasync(handle) == 0 ? 0 : errno;
        NativeMemory.AlignedFree(block);
        Sys.Close(handle);
        return Errno.ToStatus(error, $"write and flush {path}");
    }
}
