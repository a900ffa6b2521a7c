using ThreeFs.Base;
using ThreeFs.Base.Memory;

namespace ThreeFs.Io.SharedMemory;

/// <summary>
/// The buffers of this process that other processes may read in place: one <see cref="MemoryFile"/> that only this
/// process writes. Pools over it (<see cref="BufferPool"/>) bound what is in use; a page takes memory from its first
/// use until its buffer is freed. Thread-safe.
/// </summary>
/// <remarks>
/// Every class of buffers has addresses of its own, enough for all of them, so nothing fragments: addresses cost
/// nothing. The file is sparse for the same reason.
/// </remarks>
public sealed class SharedArena : IBufferMemory, IDisposable
{
    private const int Classes = BufferPool.MaxShift - BufferPool.MinShift + 1;

    private readonly MemoryFile _file;
    private readonly nint _address;
    private readonly Region[] _regions;

    private SharedArena(MemoryFile file, nint address, Region[] regions) => (_file, _address, _regions) = (file, address, regions);

    /// <summary>For giving it to a peer, who can map it for reading.</summary>
    public int Handle => _file.Handle;

    public long Length => _file.Length;

    /// <param name="limitBytes">Sum of the limits of the pools over it.</param>
    public static Result<SharedArena> Create(string name, long limitBytes)
    {
        var regions = new Region[Classes];
        var length = 0L;
        for (var i = 0; i < Classes; i++)
        {
            // Rented ones up to the limit, and what pools keep: half of it.
            var size = 1L << (i + BufferPool.MinShift);
            var slots = limitBytes * 3 / 2 / size + 2;
            regions[i] = new Region(length, size, slots);
            length += slots * size;
        }

        var created = MemoryFile.Create(name, length);
        if (!created.TryGet(out var file)) return created.Status;
        var mapped = file.Map(0, length, writable: true);
        var status = mapped.IsOk ? file.KeepForReading() : mapped.Status;
        if (status.IsOk) return new SharedArena(file, mapped.Value, regions);
        if (mapped.IsOk) MemoryFile.Unmap(mapped.Value, length);
        file.Dispose();
        return status;
    }

    /// <summary>Where in the file a piece of memory lies, when it lies in it.</summary>
    public bool TryLocate(IoMemory memory, out long offset)
    {
        offset = memory.Address - _address;
        return offset >= 0 && offset <= Length - memory.Length;
    }

    public nint Allocate(int capacity)
    {
        var offset = _regions[BufferPool.ClassOf(capacity)].Take();
        return offset < 0 ? 0 : _address + (nint)offset;
    }

    public void Free(nint address, int capacity)
    {
        MemoryFile.Release(address, capacity);
        _regions[BufferPool.ClassOf(capacity)].Give(address - _address);
    }

    /// <summary>Nothing of it may be in use any more.</summary>
    public void Dispose()
    {
        if (_file.Handle < 0) return;
        _file.Dispose();
        MemoryFile.Unmap(_address, _file.Length);
    }

    /// <summary>The buffers of one size.</summary>
    private sealed class Region(long start, long size, long slots)
    {
        private readonly Lock _lock = new();
        private readonly Stack<long> _free = new();
        private long _used;

        public long Take()
        {
            lock (_lock)
            {
                if (_free.TryPop(out var offset)) return offset;
                return _used < slots ? start + size * _used++ : -1;
            }
        }

        public void Give(long offset)
        {
            lock (_lock) _free.Push(offset);
        }
    }
}
