using System.Runtime.InteropServices;
using ThreeFs.UsrbIo.Linux;

namespace ThreeFs.Native.Files;

/// <summary>A file registered for rings: what an operation says of it. In native memory.</summary>
internal struct RegisteredFile
{
    public ulong Inode;
    public int Access;

    public int Descriptor;

    /// <summary>
    /// A duplicate of the descriptor, so that the mount knows the file for as long as it is registered.
    /// </summary>
    public int Duplicate;
}

/// <summary>
/// The registered files by descriptor, and by the descriptor's duplicate. Grows by pages, looks up without a lock,
/// works in a forked child, whatever the limit of descriptors is.
/// </summary>
internal static unsafe class FileTable
{
    private const int PageShift = 16, PageSize = 1 << PageShift, Pages = 1 << (31 - PageShift);

    private static nint _pages;

    /// <summary>Null when it is not registered.</summary>
    public static RegisteredFile* Find(int fd)
    {
        var slot = SlotOf(fd, makes: false);
        return slot == null ? null : (RegisteredFile*)Volatile.Read(ref *slot);
    }

    /// <summary>False when there is one already.</summary>
    public static bool TryAdd(int fd, RegisteredFile* file)
    {
        var slot = SlotOf(fd, makes: true);
        return slot != null && Interlocked.CompareExchange(ref *slot, (nint)file, 0) == 0;
    }

    public static RegisteredFile* Remove(int fd)
    {
        var slot = SlotOf(fd, makes: false);
        return slot == null ? null : (RegisteredFile*)Interlocked.Exchange(ref *slot, 0);
    }

    private static nint* SlotOf(int fd, bool makes)
    {
        if (fd < 0) return null;
        var pages = (nint*)Grown(ref _pages, Pages, makes);
        if (pages == null) return null;
        var page = (nint*)Grown(ref pages[fd >> PageShift], PageSize, makes);
        return page == null ? null : page + (fd & (PageSize - 1));
    }

    /// <summary>An array of pointers; of two threads that make it, one wins.</summary>
    private static nint Grown(ref nint array, int count, bool makes)
    {
        var known = Volatile.Read(ref array);
        if (known != 0 || !makes) return known;
        var made = (nint)NativeMemory.AllocZeroed((nuint)count, (nuint)sizeof(nint));
        var other = Interlocked.CompareExchange(ref array, made, 0);
        if (other == 0) return made;
        NativeMemory.Free((void*)made);
        return other;
    }
}
