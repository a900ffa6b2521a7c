using ThreeFs.Base;
using ThreeFs.Io.Linux;
using static Tmds.Linux.LibC;

namespace ThreeFs.Io.SharedMemory;

/// <summary>
/// Memory that has a number and can be given to another process, who maps it too. Its length never shrinks (the
/// kernel refuses), so a mapping never faults whatever the other process does.
/// </summary>
public sealed unsafe class MemoryFile : IDisposable
{
    private const uint Cloexec = 1;
    private const uint AllowSealing = 2;
    private const int AddSeals = 1033;
    private const int GetSeals = 1034;
    private const int SealSeal = 1;
    private const int SealShrink = 2;
    private const int SealGrow = 4;
    private const int SealFutureWrite = 16;
    private const int PermissionToRead = 0x100; // r--------

    private int _fd;

    private MemoryFile(int fd, long length) => (_fd, Length) = (fd, length);

    /// <summary>For sending it to another process.</summary>
    public int Handle => _fd;

    public long Length { get; }

    /// <summary>
    /// Makes <paramref name="length"/> bytes of zeros, of which only those take memory that are touched.
    /// </summary>
    public static Result<MemoryFile> Create(string name, long length)
    {
        int fd;
        var bytes = System.Text.Encoding.UTF8.GetBytes(name + "\0");
        fixed (byte* p = bytes) fd = Sys.Result(memfd_create(p, Cloexec | AllowSealing));
        if (fd < 0) return Errno.ToStatus(-fd, "make shared memory");
        var result = Sys.Truncate(fd, length);
        if (result == 0) result = Sys.Result(fcntl(fd, AddSeals, SealShrink | SealGrow));
        if (result == 0) return new MemoryFile(fd, length);
        Sys.Close(fd);
        return Errno.ToStatus(-result, $"make {length} bytes of shared memory");
    }

    /// <summary>Takes over a number that a peer sent; refuses what could be cut under a mapping of it.</summary>
    public static Result<MemoryFile> Adopt(int fd)
    {
        if (fd < 0) return new Status(StatusCode.ProtocolError, "the peer sent no memory");
        var seals = Sys.Result(fcntl(fd, GetSeals, 0));
        var length = Sys.FileSize(fd);
        if (seals >= 0 && (seals & SealShrink) != 0 && length > 0) return new MemoryFile(fd, length);
        Sys.Close(fd);
        return new Status(StatusCode.ProtocolError, "the peer sent memory that it could cut");
    }

    /// <summary>
    /// From now on nobody can map it for writing any more; mappings that exist stay. Its pages can no longer be given
    /// back.
    /// </summary>
    public Status SealWrites() => Errno.ToStatus(-Sys.Result(fcntl(_fd, AddSeals, SealFutureWrite | SealSeal)), "seal shared memory");

    /// <summary>
    /// The same memory under a number that only allows reading, for a peer that is to do nothing else by mistake;
    /// this file's own number is given up.
    /// </summary>
    public Status KeepForReading()
    {
        var readable = Sys.Open($"/proc/self/fd/{_fd}", O_RDONLY, PermissionToRead);
        if (readable < 0) return Errno.ToStatus(-readable, "open shared memory for reading");
        Sys.Close(_fd);
        _fd = readable;
        return Status.Ok;
    }

    /// <summary>
    /// Maps a part; page-aligned. Unmapped by <see cref="Unmap"/>, also after this object is disposed.
    /// </summary>
    public Result<nint> Map(long offset, long length, bool writable)
    {
        Invariant.Check(offset >= 0 && length > 0 && offset + length <= Length, "the part lies inside the memory");
        var address = Sys.Map(0, (nuint)length, Protection(writable), MAP_SHARED | MAP_NORESERVE, _fd, offset);
        return IsError(address) ? Errno.ToStatus((int)-address, $"map {length} bytes of shared memory") : address;
    }

    /// <summary>
    /// Maps a part twice, one behind the other, so that a ring's bytes are contiguous wherever they begin. Unmap
    /// twice the length.
    /// </summary>
    public Result<nint> MapTwice(long offset, long length, bool writable)
    {
        Invariant.Check(offset >= 0 && length > 0 && offset + length <= Length, "the part lies inside the memory");
        var place = Sys.Map(0, (nuint)length * 2, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (IsError(place)) return Errno.ToStatus((int)-place, "reserve addresses for a ring");
        for (var i = 0; i < 2; i++)
        {
            var mapped = Sys.Map(place + (nint)(i * length), (nuint)length, Protection(writable), MAP_SHARED | MAP_FIXED, _fd, offset);
            if (!IsError(mapped)) continue;
            Unmap(place, length * 2);
            return Errno.ToStatus((int)-mapped, "map a ring");
        }

        return place;
    }

    public static void Unmap(nint address, long length) => Sys.Unmap((void*)address, (nuint)length);

    /// <summary>Gives the pages of a part of a writable mapping back to the system; it reads as zeros.</summary>
    public static void Release(nint address, long length)
    {
        const int remove = 9; // MADV_REMOVE
        _ = madvise((void*)address, (Tmds.Linux.size_t)(nuint)length, remove);
    }

    private static int Protection(bool writable) => writable ? PROT_READ | PROT_WRITE : PROT_READ;

    private static bool IsError(nint address) => address is < 0 and > -4096;

    /// <summary>Gives the number up; mappings stay.</summary>
    public void Dispose()
    {
        if (_fd >= 0) Sys.Close(_fd);
        _fd = -1;
    }
}
