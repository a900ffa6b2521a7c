using System.Text;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Fuse.Protocol;
using ThreeFs.UsrbIo;
using LibC = ThreeFs.UsrbIo.Linux.LibC;

namespace ThreeFs.Fuse.Rings;

/// <summary>
/// Memory that an application shares with this process: a buffer for data, or a ring. Mapped while it is registered and while operations use
/// it. What lies in it is written by others at any moment and never trusted, and may be gone: see <see cref="FaultGuard"/>.
/// </summary>
internal sealed unsafe class SharedBuffer
{
    private const string Directory = "/dev/shm/";

    private readonly Lock _lock = new();
    private readonly IMemoryObserver? _observer;
    private nint _address;
    private int _users = 1;

    private SharedBuffer(RegistryKey key, uint owner, string path, nint address, long size, IMemoryObserver? observer)
    {
        (Key, Owner, Path, _address, Size) = (key, owner, path, address, size);
        _observer = key.IsRing ? null : observer;
        _observer?.Added(address, size);
    }

    public RegistryKey Key { get; }

    /// <summary>User id of who registered it: only that user sees and uses it.</summary>
    public uint Owner { get; }

    /// <summary>The file it was registered with.</summary>
    public string Path { get; }

    public long Size { get; }

    /// <summary>Maps a file below /dev/shm that the user may read and write himself.</summary>
    public static Errno Open(
        RegistryKey key, uint uid, uint gid, ReadOnlySpan<byte> path, IMemoryObserver? observer, out SharedBuffer? buffer)
    {
        buffer = null;
        var text = Encoding.UTF8.GetString(path).Replace("//", "/", StringComparison.Ordinal);
        if (!text.StartsWith(Directory, StringComparison.Ordinal) || text.Contains('\0') || text.AsSpan(Directory.Length).IndexOf('/') >= 0)
            return Errno.EINVAL;
        int fd;
        fixed (byte* name = Encoding.UTF8.GetBytes(text + "\0"))
            fd = LibC.Open(name, LibC.O_RDWR | LibC.O_NOFOLLOW | LibC.O_CLOEXEC | LibC.O_NONBLOCK, 0);
        if (fd < 0) return (Errno)LibC.Errno;
        try
        {
            var found = SharedFile.Check(fd, uid, gid);
            if (!found.TryGet(out var size)) return found.Code == StatusCode.AccessDenied ? Errno.EACCES : Errno.EINVAL;
            if (key.BlockSize > (ulong)size) return Errno.EINVAL;
            if (SharedArena.Instance.Map(fd, size) is not { } address) return Errno.EACCES;
            buffer = new SharedBuffer(key, uid, text, address, size, observer);
            return Errno.Ok;
        }
        finally
        {
            LibC.Close(fd);
        }
    }

    /// <summary>
    /// Its process is gone. What the library named, nobody will find any more; other names are their makers' business. Who has it mapped
    /// keeps it.
    /// </summary>
    public void RemoveName()
    {
        if (!Path.StartsWith(Directory + "hf3fs-iov-", StringComparison.Ordinal)) return;
        fixed (byte* name = Encoding.UTF8.GetBytes(Path + "\0")) LibC.Unlink(name);
    }

    /// <summary>Keeps it mapped until <see cref="Release"/>; false when it was unregistered and nobody uses it any more.</summary>
    public bool TryAcquire()
    {
        lock (_lock)
        {
            if (_users == 0) return false;
            _users++;
            return true;
        }
    }

    /// <summary>Gives back one use; registration is the first.</summary>
    public void Release()
    {
        lock (_lock)
        {
            if (--_users > 0) return;
            _observer?.Removing(_address);
            SharedArena.Instance.Unmap(_address, Size);
            _address = 0;
        }
    }

    /// <summary>Address of the memory, for who has acquired it.</summary>
    public byte* Address => (byte*)_address;

    /// <summary>A piece, for who has acquired it. Null when it does not lie inside, or crosses a block.</summary>
    public IoMemory? Slice(ulong offset, ulong length)
    {
        if (length > int.MaxValue || offset > (ulong)Size || length > (ulong)Size - offset) return null;
        if (Key.BlockSize > 0 && length > 0 && offset / Key.BlockSize != (offset + length - 1) / Key.BlockSize) return null;
        return new IoMemory(_address + (nint)offset, (int)length);
    }
}
