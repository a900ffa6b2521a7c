using System.Numerics;
using System.Runtime.InteropServices;

namespace ThreeFs.Base.Memory;

/// <summary>
/// Page-aligned native buffers in power-of-two classes from 4 KiB to 64 MiB, reused without allocation. The pool is bounded:
/// when <c>limit</c> bytes are out, <see cref="TryRent"/> answers null and the caller refuses work with
/// <see cref="StatusCode.Overloaded"/>, it never grows without end. Thread-safe.
/// </summary>
public sealed unsafe class BufferPool : IDisposable
{
    /// <summary>Every buffer starts on this boundary: what O_DIRECT needs.</summary>
    public const int Alignment = 4096;

    /// <summary>Smallest and largest buffer, as powers of two.</summary>
    public const int MinShift = 12;

    /// <inheritdoc cref="MinShift"/>
    public const int MaxShift = 26;

    private readonly Stack<BufferLease>[] _free = new Stack<BufferLease>[MaxShift - MinShift + 1];
    private readonly HashSet<nint> _allocated = [];
    private readonly IBufferMemory? _memory;
    private readonly long _limit;
    private readonly IMemoryObserver? _observer;
    private long _rented;
    private long _kept;
    private int _outstanding;

    /// <param name="limitBytes">Most bytes rented at one time; half of it is kept for reuse when returned.</param>
    /// <param name="memory">Memory that has a use of its own (shared with other processes); null takes the process's.</param>
    /// <param name="observer">Hears of every buffer that is made or freed, not of leases.</param>
    public BufferPool(long limitBytes, IBufferMemory? memory = null, IMemoryObserver? observer = null)
    {
        _memory = memory;
        _limit = limitBytes;
        _observer = observer;
        for (var i = 0; i < _free.Length; i++) _free[i] = new Stack<BufferLease>();
    }

    /// <summary>Leases not yet returned; tests assert 0 when quiet.</summary>
    public int Outstanding => Volatile.Read(ref _outstanding);

    public long RentedBytes => Interlocked.Read(ref _rented);

    public long LimitBytes => _limit;

    /// <summary>A buffer of at least <paramref name="minimumBytes"/>, or null when the pool's limit is reached.</summary>
    public BufferLease? TryRent(int minimumBytes) => TryRentLeaving(minimumBytes, 0);

    /// <summary>As <see cref="TryRent"/>, but null also when fewer than <paramref name="leaveBytes"/> would be left for others.</summary>
    public BufferLease? TryRentLeaving(int minimumBytes, long leaveBytes)
    {
        Invariant.Check(minimumBytes is >= 0 and <= 1 << MaxShift, "a pooled buffer has at most 64 MiB");
        var index = ClassOf(minimumBytes);
        var capacity = 1 << (index + MinShift);
        if (Interlocked.Add(ref _rented, capacity) > _limit - leaveBytes)
        {
            Interlocked.Add(ref _rented, -capacity);
            return null;
        }

        BufferLease? lease;
        var free = _free[index];
        lock (free)
        {
            if (free.TryPop(out lease)) Interlocked.Add(ref _kept, -capacity);
        }

        if (lease is null)
        {
            var address = Allocate(capacity);
            if (address == 0)
            {
                Interlocked.Add(ref _rented, -capacity);
                return null;
            }

            lease = new BufferLease(this, address, capacity);
        }

        Interlocked.Increment(ref _outstanding);
        lease.Activate();
        return lease;
    }

    internal void Return(BufferLease lease)
    {
        Interlocked.Add(ref _rented, -lease.Capacity);
        Interlocked.Decrement(ref _outstanding);
        if (Interlocked.Add(ref _kept, lease.Capacity) > _limit / 2)
        {
            Interlocked.Add(ref _kept, -lease.Capacity);
            Free(lease);
            return;
        }

        var free = _free[ClassOf(lease.Capacity)];
        lock (free) free.Push(lease);
    }

    /// <summary>Frees what is in the pool; leases still out are freed by nobody, which is a defect of their owner.</summary>
    public void Dispose()
    {
        foreach (var free in _free)
        {
            lock (free)
            {
                while (free.TryPop(out var lease)) Free(lease);
            }
        }
    }

    /// <summary>
    /// Frees everything, leases that are out too: for a simulated process that has died, of which nothing runs any more.
    /// The pool and its leases must not be touched afterwards.
    /// </summary>
    public void Abandon()
    {
        lock (_allocated)
        {
            foreach (var address in _allocated) NativeMemory.AlignedFree((void*)address);
            _allocated.Clear();
        }
    }

    private nint Allocate(int capacity)
    {
        nint address;
        if (_memory is not null)
        {
            address = _memory.Allocate(capacity);
            if (address == 0) return 0;
        }
        else
        {
            address = (nint)NativeMemory.AlignedAlloc((nuint)capacity, Alignment);
            lock (_allocated) _allocated.Add(address);
        }

        _observer?.Added(address, capacity);
        return address;
    }

    private void Free(BufferLease lease)
    {
        var address = lease.Memory.Address;
        _observer?.Removing(address);
        if (_memory is not null)
        {
            _memory.Free(address, lease.Capacity);
            return;
        }

        lock (_allocated) _allocated.Remove(address);
        NativeMemory.AlignedFree((void*)address);
    }

    /// <summary>The class of the smallest buffer for so many bytes; 0 is the smallest class.</summary>
    public static int ClassOf(int bytes) =>
        Math.Max(0, BitOperations.Log2((uint)Math.Max(bytes, 1) * 2 - 1) - MinShift);
}
