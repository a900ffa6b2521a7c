using LibC = ThreeFs.UsrbIo.Linux.LibC;

namespace ThreeFs.Fuse.Rings;

/// <summary>
/// The part of this process's address space where memory of applications is mapped: one reservation, so that a fault tells
/// by its address whose fault it is (<see cref="FaultGuard"/>). Thread-safe.
/// </summary>
internal sealed unsafe class SharedArena
{
    /// <summary>Address space, not memory: enough for what a machine's applications share.</summary>
    private static readonly long _reserved = 8L << 40;

    private const long Page = 4096;

    private static readonly Lazy<SharedArena> _instance = new(() => new SharedArena());

    private readonly Lock _lock = new();
    private readonly SortedList<long, long> _free = []; // length by address
    private readonly bool _isReserved;

    private SharedArena()
    {
        const int inaccessible = 0;
        var address = LibC.Map(
            null, (nuint)(ulong)_reserved, inaccessible, LibC.MAP_PRIVATE | LibC.MAP_ANONYMOUS | LibC.MAP_NORESERVE, -1, 0);
        if (address == LibC.MapFailed) return;
        _isReserved = true;
        _free.Add((long)address, _reserved);
        IsGuarded = FaultGuard.Install((nint)address, (nint)((long)address + _reserved));
    }

    /// <summary>One a process: it belongs to the process's way of dealing with faults.</summary>
    public static SharedArena Instance => _instance.Value;

    /// <summary>An application that cuts its memory does no harm to this process.</summary>
    public bool IsGuarded { get; }

    /// <summary>Maps a file that others may write, and cut, at any moment; null with the reason in errno.</summary>
    public nint? Map(int fd, long size)
    {
        const int access = LibC.PROT_READ | LibC.PROT_WRITE;
        var place = Take(Rounded(size));
        if (place == 0 && _isReserved) return null;
        var flags = LibC.MAP_SHARED | (place == 0 ? 0 : LibC.MAP_FIXED);
        var address = LibC.Map((void*)place, (nuint)size, access, flags, fd, 0);
        if (address != LibC.MapFailed) return (nint)address;
        if (place != 0) Return(place, Rounded(size));
        return null;
    }

    public void Unmap(nint address, long size)
    {
        if (!_isReserved)
        {
            LibC.Unmap((void*)address, (nuint)size);
            return;
        }

        // Nothing else may be mapped there meanwhile, so the place is covered and not given back.
        const int flags = LibC.MAP_PRIVATE | LibC.MAP_ANONYMOUS | LibC.MAP_NORESERVE | LibC.MAP_FIXED;
        LibC.Map((void*)address, (nuint)Rounded(size), 0, flags, -1, 0);
        Return(address, Rounded(size));
    }

    private static long Rounded(long size) => (size + Page - 1) / Page * Page;

    /// <summary>The first place that is large enough; 0: there is none.</summary>
    private nint Take(long size)
    {
        lock (_lock)
        {
            for (var i = 0; i < _free.Count; i++)
            {
                var (address, length) = (_free.GetKeyAtIndex(i), _free.GetValueAtIndex(i));
                if (length < size) continue;
                _free.RemoveAt(i);
                if (length > size) _free.Add(address + size, length - size);
                return (nint)address;
            }
        }

        return 0;
    }

    private void Return(long address, long size)
    {
        lock (_lock)
        {
            _free.Add(address, size);
            var at = _free.IndexOfKey(address);
            if (at + 1 < _free.Count && address + size == _free.GetKeyAtIndex(at + 1))
            {
                _free[address] = size += _free.GetValueAtIndex(at + 1);
                _free.RemoveAt(at + 1);
            }

            if (at == 0) return;
            var before = _free.GetKeyAtIndex(at - 1);
            if (before + _free[before] != address) return;
            _free[before] += size;
            _free.RemoveAt(at);
        }
    }
}
