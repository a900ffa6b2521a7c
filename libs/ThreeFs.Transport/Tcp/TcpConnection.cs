using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Io.Linux;
using ThreeFs.Io.Sockets;
using ThreeFs.Transport.Frames;

namespace ThreeFs.Transport.Tcp;

/// <summary>
/// The client's end over TCP. Calls start on any thread; everything else (answers, deadlines, the end) happens on the
/// reactor's.
/// </summary>
/// <remarks>
/// The end has three steps: broken (no call is taken, the socket is aborted), quiet (reader and sender hold no memory
/// any more), closed (calls in flight complete, observers run). A call never completes while the kernel may still touch
/// its memory:
/// <list type="bullet">
/// <item>a deadline while its answer is being received cancels that receive first;</item>
/// <item>a deadline while its request is stuck half-sent breaks the connection, for a frame cannot be left unfinished
/// and a peer that takes nothing for so long is of no use;</item>
/// <item>a cancellation in that place waits until the request is sent.</item>
/// </list>
/// </remarks>
internal sealed class TcpConnection : IConnection, IFrameSink, IFrameSenderHost
{
    private const int SlotBits = 16;
    private const int StuckCheck = 50; // ms between looks at a call that is over but for its frame

    private readonly StreamSocket _socket;
    private readonly TcpTransportOptions _options;
    private readonly Lock _lock = new();
    private readonly FrameSender _sender;
    private readonly FrameReader _reader;
    private readonly BoundedPool<ClientCall> _pool;
    private readonly TaskCompletionSource _closed = new();
    private readonly ITimer _timer;

    // Under the lock.
    private readonly ClientCall?[] _calls;
    private readonly int[] _freeSlots;
    private int _freeCount;
    private ulong _nextId;
    private long _armedFor = long.MaxValue;
    private Status _closeReason;
    private bool _broken;
    private bool _notified;
    private List<Action<Status>>? _observers;

    // Reactor's thread.
    private ClientCall? _receiving;
    private ClientCall? _givenUp; // its payload's receive is being cancelled
    private StatusCode _givenUpFor;
    private bool _readerDone;
    private bool _isClosed;

    public TcpConnection(StreamSocket socket, Endpoint remote, TcpTransportOptions options)
    {
        _socket = socket;
        _options = options;
        Remote = remote;
        _sender = new FrameSender(socket, _lock, this);
        _reader = new FrameReader(socket, FrameKind.Response, this);
        _pool = new BoundedPool<ClientCall>(options.MaxInFlight);
        _calls = new ClientCall?[options.MaxInFlight];
        _freeSlots = new int[options.MaxInFlight];
        _freeCount = options.MaxInFlight;
        for (var i = 0; i < _freeCount; i++) _freeSlots[i] = _freeCount - 1 - i;
        _timer = socket.Reactor.Time.CreateTimer(
            static state => ((TcpConnection)state!).CheckDeadlines(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public Endpoint Remote { get; }

    public bool IsBroken
    {
        get
        {
            lock (_lock) return _broken;
        }
    }

    public Status CloseReason
    {
        get
        {
            lock (_lock) return _closeReason;
        }
    }

    public int InFlight => _calls.Length - Volatile.Read(ref _freeCount);

    /// <summary>Starts reading. Reactor's thread, once.</summary>
    public void Open() => FrameReader.Run(_reader);

    public ValueTask<CallResult> CallAsync(in Call call, CancellationToken ct = default)
    {
        Invariant.Check(call.Header.Length <= TransportLimits.MaxHeader, "a header has at most 64 KiB");
        Invariant.Check(call.SendPayload.TotalLength <= TransportLimits.MaxPayload, "a payload has at most 65 MiB");
        Invariant.Check(call.ReceivePayload.TotalLength <= TransportLimits.MaxPayload, "an answer has at most 65 MiB");
        if (ct.IsCancellationRequested) return Refused(StatusCode.Cancelled);
        var timeout = TimeoutOf(call);
        ValueTask<CallResult> task;
        bool hasBaton;
        lock (_lock)
        {
            if (_broken) return Refused(new Status(StatusCode.ConnectionLost, _closeReason.Message));
            if (_freeCount == 0) return Refused(StatusCode.Overloaded);
            var started = _pool.TryTake() ?? new ClientCall(this);
            var slot = _freeSlots[_freeCount - 1];
            Volatile.Write(ref _freeCount, _freeCount - 1);
            _calls[slot] = started;
            var deadline = Environment.TickCount64 + timeout;
            started.Begin(call, (_nextId++ << SlotBits) | (uint)slot, timeout, deadline, ct);
            task = started.Task;
            ArmFor(deadline);
            hasBaton = _sender.Enqueue(started.Frame);
        }

        if (hasBaton) _sender.Run();
        return task;
    }

    private int TimeoutOf(in Call call)
    {
        var timeout = call.Timeout > TimeSpan.Zero ? call.Timeout : _options.DefaultTimeout;
        if (timeout > TransportLimits.MaxTimeout) timeout = TransportLimits.MaxTimeout;
        return Math.Max(1, (int)timeout.TotalMilliseconds);
    }

    private static ValueTask<CallResult> Refused(Status status) => new(new CallResult(status));

    /// <summary>
    /// The timer follows the earliest deadline of calls started since it last fired; completed calls do not touch it.
    /// </summary>
    private void ArmFor(long deadline)
    {
        if (deadline >= _armedFor) return;
        _armedFor = deadline;
        var left = Math.Max(0, deadline - Environment.TickCount64);
        _timer.Change(TimeSpan.FromMilliseconds(left + 1), Timeout.InfiniteTimeSpan);
    }

    // From here on: reactor's thread, unless said otherwise.

    private void CheckDeadlines()
    {
        lock (_lock) _armedFor = long.MaxValue;
        var now = Environment.TickCount64;
        var next = long.MaxValue;
        for (var i = 0; i < _calls.Length && !_isClosed; i++)
        {
            // Started by another thread: its slot is set and its fields are written under the lock.
            ClientCall? call;
            lock (_lock) call = _calls[i];
            if (call is null) continue;
            if (call.Deadline <= now) GiveUp(call, StatusCode.DeadlineExceeded);
            next = Math.Min(next, Math.Max(call.Deadline, now + StuckCheck));
        }

        lock (_lock)
        {
            if (next != long.MaxValue && !_broken) ArmFor(next);
        }
    }

    private void GiveUp(ClientCall call, StatusCode code)
    {
        if (_receiving == call)
        {
            _receiving = null;
            _givenUp = call;
            _givenUpFor = code;
            _reader.AbandonPayload();
            return;
        }

        if (_givenUp == call)
        {
            _reader.AbandonAgain();
            return;
        }

        // Looked at before: once its frame is done, a settled call completes and may be used for another.
        var hadOutcome = call.IsSettled;
        if (code == StatusCode.DeadlineExceeded && _sender.IsStuckWith(call.Frame))
            Break(new Status(StatusCode.ConnectionLost, $"{Remote} took no bytes until a call's deadline"));
        if (_sender.TryWithdraw(call.Frame)) call.FrameDone();
        if (!hadOutcome) call.SettleFailed(code);
    }

    public void PayloadAbandoned()
    {
        var call = _givenUp!;
        _givenUp = null;
        call.SettleFailed(_givenUpFor);
    }

    /// <summary>Any thread.</summary>
    public void PostCancel(ClientCall call) => _socket.Reactor.Post(static state =>
    {
        var call = (ClientCall)state!;
        call.Owner.CancelIfAsked(call);
    }, call);

    private void CancelIfAsked(ClientCall call)
    {
        bool isAsked;
        lock (_lock) isAsked = IsInTable(call) && !call.IsSettled && call.Cancellation.IsCancellationRequested;
        if (isAsked) GiveUp(call, StatusCode.Cancelled);
    }

    private bool IsInTable(ClientCall call) => _calls[(int)(call.Id & ((1 << SlotBits) - 1))] == call;

    public bool IsFull => false;

    public Status FrameArrived(in FrameHeader header, ReadOnlySpan<byte> variable, out IoSlices destination)
    {
        destination = default;
        var slot = (int)(header.CallId & ((1 << SlotBits) - 1));
        ClientCall? call = null;
        lock (_lock)
        {
            if (slot < _calls.Length) call = _calls[slot];
        }

        // Nobody waits for it any more: drained.
        if (call is null || call.Id != header.CallId || call.IsSettled) return Status.Ok;
        if (header.PayloadLength > call.ReceivePayload.TotalLength)
            return new Status(StatusCode.ProtocolError, $"{Remote} answered with more bytes than were asked for");
        call.TakeAnswer(header, variable);
        if (header.PayloadLength == 0)
        {
            call.SettleAnswered();
            return Status.Ok;
        }

        _receiving = call;
        destination = call.ReceivePayload;
        return Status.Ok;
    }

    public void PayloadArrived()
    {
        var call = _receiving!;
        _receiving = null;
        call.SettleAnswered();
    }

    /// <summary>Takes the call out of the table and lets the caller go on.</summary>
    public void Complete(ClientCall call)
    {
        lock (_lock)
        {
            var slot = (int)(call.Id & ((1 << SlotBits) - 1));
            Invariant.Check(_calls[slot] == call, "a call completes once");
            _calls[slot] = null;
            _freeSlots[_freeCount] = slot;
            Volatile.Write(ref _freeCount, _freeCount + 1);
        }

        call.Publish();
    }

    /// <summary>Any thread.</summary>
    public void CompleteAnywhere(ClientCall call)
    {
        if (_socket.Reactor.IsCurrent) Complete(call);
        else _socket.Reactor.Post(static state => ((ClientCall)state!).Owner.Complete((ClientCall)state), call);
    }

    /// <summary>Any thread.</summary>
    public void Recycle(ClientCall call) => _pool.TryAdd(call);

    private void Break(Status reason)
    {
        lock (_lock)
        {
            if (_broken) return;
            _broken = true;
            _closeReason = reason;
        }

        _socket.Abort();
        _reader.Stop();
        _sender.Close();
        TryClose();
    }

    /// <summary>Any thread.</summary>
    private void PostBreak(Status reason) => _socket.Reactor.Post(static state =>
    {
        var (connection, reason) = ((TcpConnection, Status))state!;
        connection.Break(reason);
    }, (this, reason));

    public void ReaderFinished(Status reason)
    {
        _readerDone = true;
        Break(new Status(reason.Code, $"connection to {Remote}: {reason.Message}"));
        TryClose();
    }

    /// <summary>Any thread.</summary>
    public void SendFailed(int errno)
    {
        var reason = new Status(StatusCode.ConnectionLost, $"send to {Remote}: {Errno.Describe(errno)}");
        if (_socket.Reactor.IsCurrent) Break(reason);
        else PostBreak(reason);
    }

    /// <summary>Any thread.</summary>
    public void SenderFinished()
    {
        if (_socket.Reactor.IsCurrent) TryClose();
        else _socket.Reactor.Post(static state => ((TcpConnection)state!).TryClose(), this);
    }

    private void TryClose()
    {
        if (_isClosed || !_readerDone || !_sender.IsFinished) return;
        _isClosed = true;
        _timer.Dispose();
        _socket.Dispose();
        _receiving = null;
        var lost = new Status(StatusCode.ConnectionLost, CloseReason.Message);
        foreach (var call in _calls)
        {
            if (call is { IsSettled: false }) call.SettleFailed(lost);
        }

        List<Action<Status>>? observers;
        lock (_lock)
        {
            observers = _observers;
            _observers = null;
            _notified = true;
        }

        if (observers is not null)
        {
            foreach (var observer in observers) observer(_closeReason);
        }

        _closed.SetResult();
    }

    public void OnClosed(Action<Status> observer)
    {
        lock (_lock)
        {
            if (!_notified)
            {
                (_observers ??= []).Add(observer);
                return;
            }
        }

        observer(CloseReason);
    }

    /// <summary>Completes on the reactor for a caller there, else on the thread pool.</summary>
    public async ValueTask DisposeAsync()
    {
        var reason = new Status(StatusCode.Cancelled, $"connection to {Remote} was closed here");
        var isHere = _socket.Reactor.IsCurrent;
        if (isHere) Break(reason);
        else PostBreak(reason);
        await _closed.Task;
        if (!isHere) await Task.Yield();
    }
}
