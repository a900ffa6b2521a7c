using System.Runtime.CompilerServices;
using System.Numerics;
using System.Runtime.InteropServices;
using ThreeFs.Native.Abi;
using ThreeFs.Native.Buffers;
using ThreeFs.UsrbIo;
using ThreeFs.UsrbIo.Linux;

namespace ThreeFs.Native.Rings;

/// <summary>
/// The application's side of a ring: hands operations to the mount and takes their results. In native memory; nothing
/// here allocates or uses a runtime thread, so that it works in a forked child and on any thread.
/// </summary>
/// <remarks>One thread prepares; any number may wait for results at the same time.</remarks>
internal unsafe struct AppRing
{
    private const int SubmitPathSize = 128;

    /// <summary>Without any completion for so long, it looks whether the mount still lives; nanoseconds.</summary>
    private const long MountCheckInterval = 1_000_000_000;

    /// <summary>Looks at the ring so often before it sleeps: most completions come within a few microseconds.</summary>
    private const int Spins = 64;

    public Registration* Memory;
    public RegistryKey Key;
    private byte* _base;
    private RingLayout _layout;
    private void* _submit;
    private fixed byte _submitPath[SubmitPathSize];

    /// <summary>A bit for each slot, 1: free.</summary>
    private ulong* _free;

    private int _words;

    /// <summary>0 or a negative error number.</summary>
    [MethodImpl(Export.NotInline)]
    public static int Create(byte* mountPoint, int entries, RegistryKey key, int numa, out AppRing* ring)
    {
        ring = null;
        var error = Registration.Create(mountPoint, (nuint)RingLayout.SizeOf(entries), key, numa, out var memory);
        if (error != 0) return error;
        memory->UnlinkName();
        var made = (AppRing*)NativeMemory.AllocZeroed((nuint)sizeof(AppRing));
        made->Memory = memory;
        made->Key = key;
        made->_base = memory->Base;
        RingLayout.TryOf((long)memory->Size, out made->_layout);
        made->MakeSlots();
        error = made->OpenSemaphore(mountPoint, key.Priority);
        if (error == 0) ring = made;
        else Destroy(made, mountPoint);
        return error;
    }

    [MethodImpl(Export.NotInline)]
    public static void Destroy(AppRing* ring, byte* mountPoint)
    {
        if (ring->_submit != null) LibC.SemClose(ring->_submit);
        Registration.Destroy(ring->Memory, mountPoint, ring->Key);
        NativeMemory.Free(ring->_free);
        NativeMemory.Free(ring);
    }

    /// <summary>The slot that the operation got, or -EAGAIN when all are taken.</summary>
    public int Prepare(in RingOperation operation)
    {
        var slot = TakeSlot();
        if (slot < 0) return -LibC.EAGAIN;
        ((RingOperation*)(_base + RingLayout.HeaderSize))[slot] = operation;
        var head = Word(RingLayout.SubmitHeadOffset);
        ((RingSubmission*)(_base + _layout.SubmissionsOffset))[head] =
            new RingSubmission { Index = slot, UserData = operation.UserData };
        Interlocked.Exchange(ref Word(RingLayout.SubmitHeadOffset), (head + 1) % _layout.Slots);
        return slot;
    }

    public void Submit() => LibC.SemPost(_submit);

    /// <summary>
    /// Takes results until there are <paramref name="least"/> and no more are ready, there are <paramref name="most"/>,
    /// or the time is over. -ENOTCONN when there are none, and the mount is gone that would have made them.
    /// </summary>
    /// <param name="until">On CLOCK_REALTIME; null: no limit.</param>
    /// <param name="jitter">
    /// Longest single sleep, nanoseconds: another thread may have taken the signal for results that are ours.
    /// </param>
    public int Wait(Cqe* results, int most, int least, TimeSpec* until, long jitter)
    {
        var count = 0;
        var slept = 0L;
        for (var spins = 0; ;)
        {
            while (count < most && TryTake(results + count))
            {
                count++;
                slept = 0;
            }

            if (count >= least || count == most) return count;
            if (spins++ < Spins)
            {
                Thread.SpinWait(8);
                continue;
            }

            if (IsOver(until)) return count;
            Sleep(until, jitter);
            slept += jitter;
            if (slept < MountCheckInterval) continue;
            slept = 0;
            if (IsMountGone()) return count > 0 ? count : -LibC.ENOTCONN;
        }
    }

    /// <summary>
    /// The mount that made the semaphore keeps it locked. Asks nobody who might not answer: it is not known why the
    /// completions stay out.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool IsMountGone()
    {
        fixed (byte* path = _submitPath)
        {
            if (*path == 0) return false;
            var fd = LibC.Open(path, LibC.O_RDONLY | LibC.O_CLOEXEC, 0);
            if (fd < 0) return LibC.Errno == LibC.ENOENT;
            var isGone = LibC.Lock(fd, LibC.LOCK_SH | LibC.LOCK_NB) == 0;
            LibC.Close(fd);
            return isGone;
        }
    }

    private bool TryTake(Cqe* result)
    {
        while (true)
        {
            var tail = Volatile.Read(ref Word(RingLayout.CompleteTailOffset));
            if (tail == Volatile.Read(ref Word(RingLayout.CompleteHeadOffset))) return false;
            var completion = ((RingCompletion*)(_base + _layout.CompletionsOffset))[tail];
            ref var word = ref Word(RingLayout.CompleteTailOffset);
            if (Interlocked.CompareExchange(ref word, (tail + 1) % _layout.Slots, tail) != tail) continue;
            *result = new Cqe
            {
                Index = completion.Index,
                Reserved = completion.Reserved,
                Result = completion.Result,
                UserData = (void*)completion.UserData,
            };
            FreeSlot(completion.Index);
            return true;
        }
    }

    private static bool IsOver(TimeSpec* until)
    {
        if (until == null) return false;
        TimeSpec now;
        LibC.ClockGetTime(TimeSpec.Realtime, &now);
        return !now.IsBefore(*until);
    }

    private void Sleep(TimeSpec* until, long jitter)
    {
        TimeSpec wake;
        LibC.ClockGetTime(TimeSpec.Realtime, &wake);
        wake.Nanoseconds += jitter;
        wake.Seconds += wake.Nanoseconds / 1_000_000_000;
        wake.Nanoseconds %= 1_000_000_000;
        if (until != null && until->IsBefore(wake)) wake = *until;
        LibC.SemTimedWait(_base + _layout.SemaphoreOffset, &wake);
    }

    /// <summary>One slot stays empty, as the ring's positions need it.</summary>
    private void MakeSlots()
    {
        _words = (_layout.Entries + 63) / 64;
        _free = (ulong*)NativeMemory.AllocZeroed((nuint)_words, sizeof(ulong));
        for (var i = 0; i < _layout.Entries; i++) _free[i / 64] |= 1UL << (i % 64);
    }

    private int TakeSlot()
    {
        for (var i = 0; i < _words; i++)
        {
            var word = Volatile.Read(ref _free[i]);
            if (word == 0) continue;
            var bit = BitOperations.TrailingZeroCount(word);
            Interlocked.And(ref _free[i], ~(1UL << bit)); // only this thread takes
            return i * 64 + bit;
        }

        return -1;
    }

    private void FreeSlot(int slot)
    {
        if ((uint)slot < (uint)_layout.Entries) Interlocked.Or(ref _free[slot / 64], 1UL << (slot % 64));
    }

    private ref int Word(int offset) => ref *(int*)(_base + offset);

    private int OpenSemaphore(byte* mountPoint, RingPriority priority)
    {
        const int size = 4096;
        byte* link = stackalloc byte[size], target = stackalloc byte[size];
        var suffix = priority switch { RingPriority.High => ".ph"u8, RingPriority.Low => ".pl"u8, _ => default };
        var path = new CString(link, size).Add(mountPoint).Add("/3fs-virt/iovs/submit-ios"u8).Add(suffix);
        if (!path.Fits) return -LibC.EINVAL;
        var length = LibC.ReadLink(link, target, size - 1);
        if (length < 0) return -LibC.Errno;
        target[length] = 0;
        var prefix = "/dev/shm/sem."u8;
        var text = new ReadOnlySpan<byte>(target, (int)length);
        if (text.Length == prefix.Length || !text.StartsWith(prefix)) return -LibC.EIO;
        fixed (byte* kept = _submitPath)
        {
            var room = new Span<byte>(kept, SubmitPathSize);
            if (SubmitName.IsOurs(text) && text.Length < room.Length) text.CopyTo(room);
        }

        var name = target + prefix.Length - 1;
        *name = (byte)'/';
        _submit = LibC.SemOpen(name, 0, 0, 0);
        return _submit == null ? -LibC.Errno : 0;
    }
}
