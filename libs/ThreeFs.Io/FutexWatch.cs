using ThreeFs.Base;
using ThreeFs.Io.Linux;
using ThreeFs.Io.Ring;

namespace ThreeFs.Io;

/// <summary>
/// Waits on a reactor for a word in shared memory to become other than 0, as futex(2) waits: who changes it wakes. Linux 6.7; before that
/// the first wait answers <see cref="Errno.EINVAL"/>. Reactor's thread only.
/// </summary>
/// <param name="reactor">Where it runs.</param>
/// <param name="address">32 bits in memory that processes share; mapped until <see cref="StopAsync"/> has completed.</param>
/// <param name="woken">
/// Runs once for each <see cref="Wait"/>, with 0 after a wake-up, or an error number: EAGAIN when the word was not 0, EINVAL or ENOSYS when
/// the kernel cannot do it, EFAULT when the memory is gone. Not after <see cref="StopAsync"/>.
/// </param>
public sealed class FutexWatch(Reactor reactor, nint address, Action<int> woken)
{
    private readonly WaitOperation _operation = new(reactor, address, woken);

    /// <summary>Begins to wait; one wait at a time.</summary>
    public void Wait() => _operation.Start();

    /// <summary>After it has completed nothing runs any more and the memory may be unmapped.</summary>
    public Task StopAsync() => _operation.StopAsync();

    private sealed class WaitOperation(Reactor reactor, nint address, Action<int> woken) : RingOperation
    {
        private const int Size32 = 2; // FUTEX2_SIZE_U32, shared between processes
        private const ulong AnyWaker = 0xFFFFFFFF; // FUTEX_BITSET_MATCH_ANY

        private TaskCompletionSource? _stopped;
        private bool _running;

        public void Start()
        {
            Invariant.Check(!_running && _stopped is null, "a word is waited for once at a time");
            _running = true;
            reactor.Start(this);
        }

        public Task StopAsync()
        {
            if (!_running && _stopped is null) _stopped = Done();
            if (_stopped is not null) return _stopped.Task;
            _stopped = new TaskCompletionSource();
            reactor.Cancel(this);
            return _stopped.Task;
        }

        private static TaskCompletionSource Done()
        {
            var done = new TaskCompletionSource();
            done.SetResult();
            return done;
        }

        public override void Prepare(ref Sqe sqe)
        {
            sqe.Opcode = UringOp.FutexWait;
            sqe.Fd = Size32;
            sqe.Address = (ulong)address;
            sqe.Offset = 0; // the value at which to wait
            sqe.Address3 = AnyWaker;
        }

        public override void Complete(int result, uint flags)
        {
            _running = false;
            if (_stopped is null) woken(-Math.Min(result, 0));
            else _stopped.TrySetResult();
        }
    }
}
