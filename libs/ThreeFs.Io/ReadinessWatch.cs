using ThreeFs.Base;
using ThreeFs.Io.Linux;
using ThreeFs.Io.Ring;

namespace ThreeFs.Io;

/// <summary>
/// Tells a reactor when a file number that is not its own has something to read: an event channel of a driver, for
/// instance. Each time it is ready, <c>ready</c> runs on the reactor's thread and must take what is there; then the
/// watch goes on, until the number reports an error. Reactor's thread only.
/// </summary>
/// <param name="reactor">Where it runs.</param>
/// <param name="fd">Stays open until <see cref="StopAsync"/> has completed.</param>
/// <param name="ready">Runs at least once after something arrived, perhaps also when nothing did.</param>
public sealed class ReadinessWatch(Reactor reactor, int fd, Action ready)
{
    private readonly PollOperation _operation = new(reactor, fd, ready);

    /// <summary>
    /// Lets reads of the number answer at once, so that <c>ready</c> can take all there is. Zero, or the error number.
    /// </summary>
    public static int MakeNonBlocking(int fd) => -Sys.SetNonBlocking(fd);

    public void Start() => _operation.Start();

    /// <summary>After it has completed nothing runs any more and the number may be closed.</summary>
    public Task StopAsync() => _operation.StopAsync();

    private sealed class PollOperation(Reactor reactor, int fd, Action ready) : RingOperation
    {
        private const uint PollIn = 1;
        private TaskCompletionSource? _stopped;
        private bool _running;

        public void Start()
        {
            Invariant.Check(!_running && _stopped is null, "a watch is started once");
            _running = true;
            reactor.Start(this);
        }

        public Task StopAsync()
        {
            if (!_running) return Task.CompletedTask;
            _stopped ??= new TaskCompletionSource();
            reactor.Cancel(this);
            return _stopped.Task;
        }

        public override void Prepare(ref Sqe sqe)
        {
            sqe.Opcode = UringOp.PollAdd;
            sqe.Fd = fd;
            sqe.OpFlags = PollIn;
        }

        public override void Complete(int result, uint flags)
        {
            // An error of the number itself (its device is gone) would be reported again at once, for ever.
            if (_stopped is null && result >= 0)
            {
                ready();
                if (_stopped is null && (result & PollIn) != 0)
                {
                    reactor.Start(this);
                    return;
                }
            }

            _running = false;
            _stopped?.TrySetResult();
        }
    }
}
