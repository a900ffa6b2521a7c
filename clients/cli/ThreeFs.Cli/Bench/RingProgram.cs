using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;
using ThreeFs.Base;
using ThreeFs.UsrbIo;
using ThreeFs.UsrbIo.Linux;

namespace ThreeFs.Cli.Bench;

/// <summary>
/// A program that reads or writes through a ring of the mount: one thread, one buffer, so many operations in flight. It
/// speaks the protocol itself (<see cref="RingLayout"/>), so that what is measured is the mount and not a library.
/// </summary>
internal sealed unsafe class RingProgram : IDisposable
{
    private const int Patience = 10; // s until a completion must have come

    private readonly Shared _buffer;
    private readonly Shared _ring;
    private readonly RingLayout _layout;
    private readonly void* _submit;
    private readonly int _file;
    private readonly ulong _inode;
    private readonly Workload _load;
    private readonly long[] _counts; // operations of each slot
    private readonly TimeSpan[] _begun;

    private RingProgram(
        Shared buffer, Shared ring, RingLayout layout, void* submit, int file, ulong inode, Workload load)
    {
        (_buffer, _ring, _layout) = (buffer, ring, layout);
        _submit = submit;
        (_file, _inode, _load) = (file, inode, load);
        _counts = new long[load.Depth];
        _begun = new TimeSpan[load.Depth];
    }

    /// <summary>Registers with the mount and opens a file on it.</summary>
    public static Result<RingProgram> Open(string mount, string path, Workload load)
    {
        RingLayout.TryOf(RingLayout.SizeOf(load.Depth), out var layout);
        var buffer = Shared.Make(mount, (long)load.Size * load.Depth, key => key);
        if (!buffer.TryGet(out var memory)) return buffer.Status;
        var ring = Shared.Make(
            mount, RingLayout.SizeOf(load.Depth), key => key with { IsRing = true, ForRead = !load.IsWrite });
        if (!ring.TryGet(out var positions))
        {
            memory.Dispose();
            return ring.Status;
        }

        var file = Call(path, text => LibC.Open(text, LibC.O_RDWR | LibC.O_CLOEXEC, 0));
        var isOpen = file >= 0 && FileStat.TryOf(file, out _);
        FileStat.TryOf(file, out var stat);
        var semaphore = SemaphoreOf(mount);
        if (isOpen && semaphore != null)
            return new RingProgram(memory, positions, layout, semaphore, file, stat.Inode, load);
        if (file >= 0) LibC.Close(file);
        memory.Dispose();
        positions.Dispose();
        return new Status(StatusCode.IoError, $"open {path} and the mount's semaphore: {LastError()}");
    }

    private static void* SemaphoreOf(string mount)
    {
        var target = new FileInfo($"{mount}/3fs-virt/iovs/submit-ios").LinkTarget;
        const string Prefix = "/dev/shm/sem.";
        if (target is null || !target.StartsWith(Prefix, StringComparison.Ordinal)) return null;
        fixed (byte* name = Encoding.UTF8.GetBytes($"/{target[Prefix.Length..]}\0"))
        {
            var semaphore = LibC.SemOpen(name, 0, 0, 0);
            return (nint)semaphore == 0 ? null : semaphore;
        }
    }

    /// <summary>Random bytes for writes.</summary>
    public void Fill(SeededRandom random) =>
        random.NextBytes(new Span<byte>(_buffer.Address, _load.Size * _load.Depth));

    /// <summary>Does for the time what the workload says and answers how many operations there were.</summary>
    public Result<long> Run(long fileBytes, TimeSpan time, SeededRandom random, LatencyHistogram? latencies = null)
    {
        var clock = Stopwatch.StartNew();
        for (var slot = 0; slot < _load.Depth; slot++) Prepare(slot, fileBytes, random, TimeSpan.Zero);
        LibC.SemPost(_submit);
        var done = 0L;
        for (var underWay = _load.Depth; underWay > 0;)
        {
            if (!WaitForCompletion())
                return new Status(StatusCode.DeadlineExceeded, $"the mount answered nothing in {Patience} s");
            var now = clock.Elapsed;
            var more = now < time;
            var taken = 0;
            while (TryTake(out var completion))
            {
                if (completion.Result != _load.Size)
                {
                    return new Status(
                        StatusCode.IoError, $"ring, {_load.Name}: it answered {completion.Result}, not {_load.Size}");
                }

                taken++;
                latencies?.Record(now - _begun[completion.Index]);
                if (more) Prepare(completion.Index, fileBytes, random, now);
            }

            done += taken;
            if (more) LibC.SemPost(_submit);
            else underWay -= taken;
        }

        return done;
    }

    private ref int Position(int offset) => ref *(int*)(_ring.Address + offset);

    private void Prepare(int slot, long fileBytes, SeededRandom random, TimeSpan now)
    {
        _begun[slot] = now;
        var operations = (RingOperation*)(_ring.Address + RingLayout.HeaderSize);
        operations[slot] = new RingOperation
        {
            Buffer = _buffer.Id,
            BufferOffset = (ulong)slot * (ulong)_load.Size,
            Inode = _inode,
            FileOffset = (ulong)_load.OffsetOf(slot, _counts[slot]++, fileBytes, random),
            Length = (ulong)_load.Size,
            UserData = (ulong)slot,
        };
        var head = Position(RingLayout.SubmitHeadOffset);
        var submissions = (RingSubmission*)(_ring.Address + _layout.SubmissionsOffset);
        submissions[head] = new RingSubmission { Index = slot, UserData = (ulong)slot };
        Volatile.Write(ref Position(RingLayout.SubmitHeadOffset), (head + 1) % _layout.Slots);
    }

    private bool TryTake(out RingCompletion completion)
    {
        var tail = Position(RingLayout.CompleteTailOffset);
        completion = default;
        if (tail == Volatile.Read(ref Position(RingLayout.CompleteHeadOffset))) return false;
        completion = ((RingCompletion*)(_ring.Address + _layout.CompletionsOffset))[tail];
        Volatile.Write(ref Position(RingLayout.CompleteTailOffset), (tail + 1) % _layout.Slots);
        return true;
    }

    private bool WaitForCompletion()
    {
        TimeSpec until;
        LibC.ClockGetTime(TimeSpec.Realtime, &until);
        until.Seconds += Patience;
        while (Position(RingLayout.CompleteTailOffset) == Volatile.Read(ref Position(RingLayout.CompleteHeadOffset)))
        {
            if (LibC.SemTimedWait(_ring.Address + _layout.SemaphoreOffset, &until) == 0) continue;
            if (Marshal.GetLastPInvokeError() == 110) return false; // ETIMEDOUT
        }

        return true;
    }

    public void Dispose()
    {
        _ring.Dispose();
        _buffer.Dispose();
        LibC.Close(_file);
        LibC.SemClose(_submit);
    }

    private delegate int PathCall(byte* path);

    private static int Call(string path, PathCall call)
    {
        fixed (byte* text = Encoding.UTF8.GetBytes(path + "\0")) return call(text);
    }

    private static string LastError() => Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());

    /// <summary>Memory that the mount has mapped too, registered under a name that says what it is for.</summary>
    private sealed class Shared : IDisposable
    {
        private readonly string _link;
        private readonly long _size;

        private Shared(BufferId id, string link, byte* address, long size)
        {
            (Id, _link, _size) = (id, link, size);
            Address = address;
        }

        public BufferId Id { get; }

        public byte* Address { get; }

        public static Result<Shared> Make(string mount, long size, Func<RegistryKey, RegistryKey> describe)
        {
            var guid = Guid.NewGuid();
            var id = MemoryMarshal.Read<BufferId>(guid.ToByteArray());
            var file = $"/dev/shm/threefs-bench-{guid:N}";
            const int flags = LibC.O_RDWR | LibC.O_CREAT | LibC.O_EXCL | LibC.O_CLOEXEC;
            var fd = Call(file, text => LibC.Open(text, flags, 0x180)); // rw-------
            if (fd < 0) return new Status(StatusCode.IoError, $"make {file}: {LastError()}");
            var isMade = LibC.Truncate(fd, size) == 0;
            var address = (byte*)LibC.Map(
                null, (nuint)size, LibC.PROT_READ | LibC.PROT_WRITE, LibC.MAP_SHARED, fd, 0);
            LibC.Close(fd);
            var link = $"{mount}/3fs-virt/iovs/{describe(RegistryKey.OfBuffer(id, 0))}";
            try
            {
                if (!isMade || (nint)address == -1) return new Status(StatusCode.IoError, $"map {file}: {LastError()}");
                File.CreateSymbolicLink(link, file);
                return new Shared(id, link, address, size);
            }
            catch (IOException e)
            {
                LibC.Unmap(address, (nuint)size);
                return new Status(StatusCode.IoError, $"register {link}: {e.Message}");
            }
            finally
            {
                File.Delete(file); // at once: the mount has it mapped
            }
        }

        public void Dispose()
        {
            File.Delete(_link);
            LibC.Unmap(Address, (nuint)_size);
        }
    }
}
