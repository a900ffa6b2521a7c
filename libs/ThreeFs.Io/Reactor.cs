using ThreeFs.Base;
using ThreeFs.Io.Linux;
using ThreeFs.Io.Ring;
using ThreeFs.Io.Timers;

namespace ThreeFs.Io;

/// <summary>
/// One thread with one io_uring: files, sockets, timers and posted work of its owners run here, and everything
/// completes inline on this thread. What lives on a reactor needs no locks; what blocks it blocks all of its owners.
/// </summary>
/// <remarks>
/// One turn of the loop runs posted work, due timers, what is polled and deferred work, then enters the kernel once: everything started
/// in the turn is submitted together, and the thread sleeps there when nothing is left to do. Going to sleep is
/// announced before the queue of posts is looked at for the last time, and a poster looks at the announcement after its
/// post is visible: one of the two sees the other, so no wake-up is lost. An exception that reaches the loop is a
/// defect of this program and ends the process.
/// </remarks>
public sealed class Reactor : IAsyncDisposable, IDisposable
{
    private const uint Entries = 1024;
    private const int ReapsInTurn = 4096;
    private static readonly TimeSpan _stopLimit = TimeSpan.FromSeconds(10);

    [ThreadStatic]
    private static Reactor? _current;

    private readonly OperationTable _operations = new();
    private readonly Queue<RingOperation> _waiting = new();
    private readonly PostQueue _posts = new();
    private readonly TimerQueue _timers;
    private readonly WakeSignal _wake;
    private readonly Thread _thread;
    private readonly TaskCompletionSource _stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private List<PostedWork> _deferred = [];
    private List<PostedWork> _deferredRunning = [];
    private IoUring _ring = null!;
    private int _sleeping;
    private bool _stopping;

    private Reactor(string name)
    {
        Name = name;
        _wake = new WakeSignal(this);
        _timers = new TimerQueue(Wake);
        Time = new ReactorTimeProvider(_timers);
        _thread = new Thread(Run) { Name = name, IsBackground = true };
    }

    /// <summary>The reactor whose thread this is; null on other threads.</summary>
    public static Reactor? Current => _current;

    public string Name { get; }

    public bool IsCurrent => _current == this;

    /// <summary>The clock whose timers fire on this reactor.</summary>
    public ReactorTimeProvider Time { get; }

    /// <summary>Operations in the kernel's hands, without the reactor's own.</summary>
    internal int OperationsInFlight => _operations.Count - 1 + _waiting.Count;

    /// <summary>What is looked at in every turn.</summary>
    internal PollList Polls { get; } = new();

    /// <summary>
    /// A transfer that is cancelled or fails half-way answers with what it had moved (Linux 6.1); without that, asking
    /// for a whole one could lose count.
    /// </summary>
    internal bool KeepsPartialTransfers => _ring.DefersTaskRun;

    /// <summary>Starts the thread; fails when the kernel has no usable io_uring.</summary>
    public static Result<Reactor> Start(string name)
    {
        var reactor = new Reactor(name);
        var started = new TaskCompletionSource<Status>(TaskCreationOptions.RunContinuationsAsynchronously);
        reactor._thread.Start(started);
        var status = started.Task.GetAwaiter().GetResult();
        return status.IsOk ? reactor : status;
    }

    /// <summary>
    /// Runs <paramref name="action"/> on the reactor's thread, in the order of posts of one thread. Any thread;
    /// allocates nothing. Work posted after the reactor has stopped is dropped and answered with false.
    /// </summary>
    public bool Post(Action<object?> action, object? state)
    {
        if (!_posts.TryAdd(action, state)) return false;
        if (_current != this) Wake();
        return true;
    }

    /// <summary>
    /// Runs at the end of this turn, before anything is submitted: the place to send what a turn has gathered.
    /// Reactor's thread only.
    /// </summary>
    public void Defer(Action<object?> action, object? state)
    {
        Invariant.Check(IsCurrent, "work is deferred on the reactor's own thread");
        _deferred.Add(new PostedWork(action, state));
    }

    /// <summary>Await it to continue on this reactor's thread.</summary>
    public ReactorSwitch SwitchTo() => new(this);

    /// <summary>
    /// Runs <paramref name="work"/> on the reactor's thread for a caller elsewhere, who continues on the thread pool.
    /// Not for the data path: it allocates.
    /// </summary>
    public Task<T> InvokeAsync<T>(Func<ValueTask<T>> work)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var posted = Post(static state => ((Action)state!)(), (Action)(() => _ = Relay(work, done)));
        if (!posted) done.SetException(new StatusException(new Status(StatusCode.Unavailable, $"reactor {Name} has stopped")));
        return done.Task;
    }

    /// <inheritdoc cref="InvokeAsync{T}"/>
    public Task InvokeAsync(Func<ValueTask> work) => InvokeAsync(async () =>
    {
        await work();
        return true;
    });

    private static async Task Relay<T>(Func<ValueTask<T>> work, TaskCompletionSource<T> done)
    {
        try
        {
            done.SetResult(await work());
        }
        catch (Exception e)
        {
            done.SetException(e);
        }
    }

    /// <summary>Hands an operation to the kernel with the end of this turn. Reactor's thread only.</summary>
    internal void Start(RingOperation operation)
    {
        Invariant.Check(IsCurrent, "an operation is started on the reactor's own thread");
        if (_waiting.Count > 0 || !TrySubmit(operation)) _waiting.Enqueue(operation);
    }

    /// <summary>
    /// Asks the kernel to give an operation up. It completes all the same: with ECANCELED, or with what it had already
    /// done.
    /// </summary>
    internal void Cancel(RingOperation operation)
    {
        if (operation.Slot >= 0) Start(new CancelOperation((ulong)operation.Slot, 0));
    }

    private unsafe bool TrySubmit(RingOperation operation)
    {
        if (!_ring.TryGetSqe(out var sqe))
        {
            _ring.Enter(wait: false, -1);
            if (!_ring.TryGetSqe(out sqe)) return false;
        }

        operation.Prepare(ref *sqe);
        sqe->UserData = (ulong)_operations.Add(operation);
        return true;
    }

    private void Run(object? state)
    {
        var started = (TaskCompletionSource<Status>)state!;
        var ring = IoUring.Create(Entries);
        if (!ring.IsOk)
        {
            _wake.Dispose();
            started.SetResult(ring.Status);
            return;
        }

        _ring = ring.Value;
        _current = this;
        try
        {
            Start(_wake);
            started.SetResult(Status.Ok);
            while (!_stopping) Turn(mayWait: true);
            Stop();
        }
        catch (Exception e)
        {
            Environment.FailFast($"reactor {Name}: {e.Message}", e);
        }

        _stopped.SetResult();
    }

    private void Turn(bool mayWait)
    {
        _posts.RunBatch();
        _timers.FireDue();
        Polls.Poll();
        RunDeferred();
        while (_waiting.TryPeek(out var operation) && TrySubmit(operation)) _waiting.Dequeue();
        Enter(mayWait && !_stopping && _deferred.Count == 0 && _waiting.Count == 0);
        for (var i = 0; i < ReapsInTurn && _ring.TryTakeCqe(out var cqe); i++)
            _operations.Remove(cqe.UserData).Complete(cqe.Result, cqe.Flags);
    }

    private void Enter(bool wait)
    {
        var timeout = -1L;
        if (wait)
        {
            // A full fence: the announcement is visible before the queues are looked at once more.
            Interlocked.Exchange(ref _sleeping, 1);
            timeout = _timers.NanosecondsToNext();
            wait = _posts.IsEmpty && timeout != 0 && Polls.TrySleep();
        }

        var result = _ring.Enter(wait, timeout);
        Volatile.Write(ref _sleeping, 0);
        if (wait) Polls.Wake();
        Invariant.Check(
            result is 0 or -Errno.EINTR or -Errno.ETIME or -Errno.EBUSY or -Errno.EAGAIN,
            "the kernel accepts what is submitted");
    }

    private void RunDeferred()
    {
        // Deferred work may defer more; it runs in this turn too, but not without end.
        for (var round = 0; round < 8 && _deferred.Count > 0; round++)
        {
            (_deferred, _deferredRunning) = (_deferredRunning, _deferred);
            foreach (var work in _deferredRunning) work.Action(work.State);
            _deferredRunning.Clear();
        }
    }

    /// <summary>Wakes the thread when it sleeps or is about to.</summary>
    private void Wake()
    {
        if (_current != this && Interlocked.Exchange(ref _sleeping, 0) == 1) _wake.Signal();
    }

    /// <summary>
    /// Ends the process of work: no more posts, everything in flight is cancelled and completes, then the ring is
    /// closed. Operations that the kernel cannot cancel (a disk's) are waited for.
    /// </summary>
    private void Stop()
    {
        _posts.Close();
        Start(new CancelOperation(0, Uring.CancelAny | Uring.CancelAll));
        var limit = Time.GetTimestamp();
        while (_operations.Count > 0 || _waiting.Count > 0 || !_posts.IsEmpty || _deferred.Count > 0)
        {
            Turn(mayWait: false);
            Invariant.Check(Time.GetElapsedTime(limit) < _stopLimit, "the operations of a stopped reactor complete");
            Thread.Yield();
        }

        _wake.Dispose();
        _ring.Dispose();
    }

    /// <summary>
    /// Stops the thread. Owners close their files and sockets before; what is still in flight completes with
    /// <see cref="StatusCode.Cancelled"/>.
    /// </summary>
    public async ValueTask DisposeAsync()
    {
        Post(static state => ((Reactor)state!)._stopping = true, this);
        await _stopped.Task;
    }

    public void Dispose()
    {
        Invariant.Check(!IsCurrent, "a reactor's thread cannot wait for its own end");
        Post(static state => ((Reactor)state!)._stopping = true, this);
        _stopped.Task.GetAwaiter().GetResult();
        _thread.Join();
    }

    /// <summary>Reads the event counter that other threads write to wake the loop.</summary>
    private sealed class WakeSignal : RingOperation, IDisposable
    {
        private readonly Reactor _reactor;
        private readonly Lock _lock = new();
        private readonly ulong[] _counter = GC.AllocateArray<ulong>(1, pinned: true);
        private int _fd;

        public WakeSignal(Reactor reactor)
        {
            _reactor = reactor;
            _fd = Sys.EventFd();
            Invariant.Check(_fd >= 0, "an event counter can be made");
        }

        /// <summary>
        /// Under a lock, so that the number is never written to after it was closed and given to somebody else.
        /// </summary>
        public void Signal()
        {
            lock (_lock)
            {
                if (_fd >= 0) Sys.Signal(_fd);
            }
        }

        public override void Prepare(ref Sqe sqe)
        {
            sqe.Opcode = UringOp.Read;
            sqe.Fd = _fd;
            sqe.Address = (ulong)System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(_counter, 0);
            sqe.Length = sizeof(ulong);
        }

        public override void Complete(int result, uint flags)
        {
            if (!_reactor._stopping) _reactor.Start(this);
        }

        public void Dispose()
        {
            lock (_lock)
            {
                if (_fd >= 0) Sys.Close(_fd);
                _fd = -1;
            }
        }
    }

    private sealed class CancelOperation(ulong target, uint flags) : RingOperation
    {
        public override void Prepare(ref Sqe sqe)
        {
            sqe.Opcode = UringOp.AsyncCancel;
            sqe.Address = target;
            sqe.OpFlags = flags;
        }

        public override void Complete(int result, uint flags)
        {
        }
    }
}
