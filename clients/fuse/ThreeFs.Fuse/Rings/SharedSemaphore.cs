using System.Runtime.InteropServices;
using ThreeFs.UsrbIo.Linux;

namespace ThreeFs.Fuse.Rings;

/// <summary>
/// The mount's side of a sem_t in memory that applications may write. The C library ends a process that finds nonsense in
/// one, so its functions are not used here; the layout is theirs, and theirs work on the other side.
/// </summary>
/// <remarks>
/// <code>
/// 0  uint32 value     posts that were not taken; what a waiter sleeps on (futex, shared)
/// 4  uint32 waiters   whoever posts wakes one when it is not 0
/// 8  int32  kind      shared between processes, or not; read by the C library only
/// </code>
/// Both words change together as one of 64 bits, little-endian. Nonsense there costs a wake-up, or one too many.
/// </remarks>
internal readonly unsafe partial struct SharedSemaphore(byte* address)
{
    private const long Value = 0xFFFFFFFF, OneWaiter = 1L << 32;
    private const int FutexWait = 0, FutexWake = 1;

    private static readonly nint _futex = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 98 : 202;

    private ref long Words => ref *(long*)address;

    /// <summary>Posts that were not taken yet.</summary>
    public bool IsPosted => (Volatile.Read(ref Words) & Value) != 0;

    public void Initialize() => LibC.SemInit(address, shared: 1, value: 0);

    public void Post()
    {
        if (Interlocked.Increment(ref Words) >> 32 != 0) Futex(FutexWake, 1, null);
    }

    /// <summary>From now on, until <see cref="EndWait"/>, whoever posts wakes; for who sleeps on the first word by other means.</summary>
    public void BeginWait() => Interlocked.Or(ref Words, OneWaiter);

    /// <summary>Takes all posts that are there. There is one waiter, so whatever else was written there is nonsense and goes too.</summary>
    public void EndWait() => Interlocked.Exchange(ref Words, 0);

    /// <summary>Waits for a post, or until the time is over, and takes all posts that are there.</summary>
    public void Wait(TimeSpan time)
    {
        if (TakeAll()) return;
        BeginWait();
        if (!IsPosted)
        {
            var left = new TimeSpec
            {
                Seconds = time.Ticks / TimeSpan.TicksPerSecond, Nanoseconds = time.Ticks % TimeSpan.TicksPerSecond * 100,
            };
            Futex(FutexWait, 0, &left);
        }

        EndWait();
    }

    private bool TakeAll() => IsPosted && (Interlocked.And(ref Words, ~Value) & Value) != 0;

    private void Futex(int operation, int value, TimeSpec* timeout) => Syscall(_futex, address, operation, value, timeout);

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint Syscall(nint number, void* address, nint operation, nint value, TimeSpec* timeout);
}
