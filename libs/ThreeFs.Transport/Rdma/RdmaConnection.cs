using ThreeFs.Base;
using ThreeFs.Base.Tasks;
using ThreeFs.Io;

namespace ThreeFs.Transport.Rdma;

/// <summary>
/// The client's end over RDMA. A request tells the server where the caller's memory is; the server's adapter reads the
/// payload from there and writes the answer's there, and its answer comes after them. Calls start on any thread;
/// everything else happens on the reactor's.
/// </summary>
/// <remarks>
/// A call whose memory the server may still touch does not complete at its deadline: the server is asked to leave it alone
/// and answers at once, unless it has just begun to move the bytes, and then right after. A server that says nothing within
/// <see cref="RdmaOptions.CancelGrace"/> (it hangs, or was stopped) loses the connection: the queue pair is destroyed, and
/// what it writes later reaches nobody.
/// </remarks>
internal sealed class RdmaConnection : IConnection, IRdmaLinkHost
{
    private const int SlotBits = 16;

    private readonly Reactor _reactor;
    private readonly RdmaTransport _transport;
    private readonly Lock _lock = new();
    private readonly BoundedPool<RdmaCall> _pool;
    private readonly TaskCompletionSource _closed = new();
    private readonly ITimer _timer;
    private RdmaLink _link = null!;
    private RdmaSetup _setup = null!;

    // Under the lock.
    private readonly RdmaCall?[] _calls;
    private readonly int[] _freeSlots;
    private int _freeCount;
    private ulong _nextId;
    private long _armedFor = long.MaxValue;
    private Status _closeReason;
    private bool _broken;
    private bool _notified;
    private List<Action<Status>>? _observers;

    public RdmaConnection(Reactor reactor, Endpoint remote, RdmaTransport transport)
    {
        var most = transport.Options.MaxInFlight;
        _reactor = reactor;
        _transport = transport;
        Remote = remote;
        _pool = new BoundedPool<RdmaCall>(most);
        _calls = new RdmaCall?[most];
        _freeSlots = new int[most];
        _freeCount = most;
        for (var i = 0; i < _freeCount; i++) _freeSlots[i] = _freeCount - 1 - i;
        _timer = reactor.Time.CreateTimer(
            static state => ((RdmaConnection)state!).CheckDeadlines(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
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

    /// <summary>The link is connected: calls may come. Reactor's thread, once.</summary>
    public void Open(RdmaLink link, RdmaSetup setup)
    {
        _link = link;
        _setup = setup;
        setup.Watch(() => _link.Break(new Status(StatusCode.ConnectionLost, $"{Remote} closed the connection")));
    }

    public ValueTask<CallResult> CallAsync(in Call call, CancellationToken ct = default)
    {
        Invariant.Check(call.Header.Length <= TransportLimits.MaxHeader, "a header has at most 64 KiB");
        Invariant.Check(call.SendPayload.TotalLength <= TransportLimits.MaxPayload, "a payload has at most 65 MiB");
        Invariant.Check(call.ReceivePayload.TotalLength <= TransportLimits.MaxPayload, "an answer has at most 65 MiB");
        if (ct.IsCancellationRequested) return Refused(StatusCode.Cancelled);
        RdmaCall started;
        ulong id;
        lock (_lock)
        {
            if (_broken) return Refused(new Status(StatusCode.ConnectionLost, _closeReason.Message));
            if (_freeCount == 0) return Refused(StatusCode.Overloaded);
            started = _pool.TryTake() ?? new RdmaCall(this);
            id = (_nextId++ << SlotBits) | (uint)_freeSlots[_freeCount - 1];
            Volatile.Write(ref _freeCount, _freeCount - 1);
        }

        // Outside the lock: memory that is used for the first time is registered here.
        var timeout = TimeoutOf(call);
        var deadline = Environment.TickCount64 + timeout;
        var isWritten = started.Begin(call, id, timeout, deadline, ct, _link, _transport);
        var task = started.Task;
        lock (_lock)
        {
            if (isWritten && !_broken)
            {
                _calls[SlotOf(id)] = started;
                ArmFor(deadline);
            }
            else
            {
                _freeSlots[_freeCount] = SlotOf(id);
                Volatile.Write(ref _freeCount, _freeCount + 1);
            }
        }

        if (_calls[SlotOf(id)] != started) return NotStarted(started, task, isWritten);
        if (_reactor.IsCurrent) Start(started);
        else _reactor.Post(static state => ((RdmaCall)state!).Owner.Start((RdmaCall)state), started);
        return task;
    }

    /// <summary>It never was in the table: its memory and itself are given back at once.</summary>
    private ValueTask<CallResult> NotStarted(RdmaCall call, ValueTask<CallResult> task, bool isWritten)
    {
        call.Abandon(isWritten
            ? new Status(StatusCode.ConnectionLost, CloseReason.Message)
            : new Status(StatusCode.Overloaded, "no memory is left to copy a payload through"));
        return task;
    }

    private int TimeoutOf(in Call call)
    {
        var timeout = call.Timeout > TimeSpan.Zero ? call.Timeout : _transport.Options.DefaultTimeout;
        if (timeout > TransportLimits.MaxTimeout) timeout = TransportLimits.MaxTimeout;
        return Math.Max(1, (int)timeout.TotalMilliseconds);
    }

    private static ValueTask<CallResult> Refused(Status status) => new(new CallResult(status));

    private static int SlotOf(ulong id) => (int)(id & ((1 << SlotBits) - 1));

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

    private void Start(RdmaCall call)
    {
        call.IsStarted = true;
        if (call.IsSettled) call.TryComplete();
        // Asked for before the call could be found.
        else if (call.Token.IsCancellationRequested) call.SettleFailed(StatusCode.Cancelled);
        else _link.Enqueue(call.Request);
    }

    private void CheckDeadlines()
    {
        lock (_lock) _armedFor = long.MaxValue;
        var now = Environment.TickCount64;
        var next = long.MaxValue;
        for (var i = 0; i < _calls.Length && !_notified; i++)
        {
            RdmaCall? call;
            lock (_lock) call = _calls[i];
            if (call is null || call.IsSettled) continue;
            if (call.Deadline <= now) GiveUp(call, StatusCode.DeadlineExceeded);
            if (call.IsSettled) continue;
            next = Math.Min(next, call.GivenUpFor == StatusCode.Ok ? call.Deadline : GraceOf(call));
        }

        lock (_lock)
        {
            if (next != long.MaxValue && !_broken) ArmFor(next);
        }
    }

    private long GraceOf(RdmaCall call) => call.GivenUpAt + (long)_transport.Rdma.CancelGrace.TotalMilliseconds;

    private void GiveUp(RdmaCall call, StatusCode code)
    {
        if (call.GivenUpFor != StatusCode.Ok)
        {
            if (Environment.TickCount64 >= GraceOf(call))
                _link.Break(new Status(StatusCode.ConnectionLost, $"{Remote} does not let go of a call that was given up"));
            return;
        }

        if (!call.IsStarted || _link.TryWithdraw(call.Request) || !call.ExposesMemory)
        {
            call.SettleFailed(code);
            return;
        }

        call.GivenUpFor = code;
        call.GivenUpAt = Environment.TickCount64;
        call.WriteCancellation();
        _link.Enqueue(call.Cancellation);
        lock (_lock)
        {
            if (!_broken) ArmFor(GraceOf(call));
        }
    }

    /// <summary>Any thread.</summary>
    public void PostCancel(RdmaCall call) => _reactor.Post(static state =>
    {
        var call = (RdmaCall)state!;
        call.Owner.CancelIfAsked(call);
    }, call);

    private void CancelIfAsked(RdmaCall call)
    {
        bool isAsked;
        lock (_lock) isAsked = _calls[SlotOf(call.Id)] == call && !call.IsSettled && call.Token.IsCancellationRequested;
        if (isAsked && call.GivenUpFor == StatusCode.Ok) GiveUp(call, StatusCode.Cancelled);
    }

    public bool IsFull => false;

    public void MessageArrived(ReadOnlySpan<byte> bytes)
    {
        var status = RdmaMessage.TryRead(bytes, out var message);
        if (status.IsOk && message.Kind != RdmaMessageKind.Response)
            status = new Status(StatusCode.ProtocolError, $"{Remote} sent a {message.Kind}");
        if (!status.IsOk)
        {
            _link.Break(status);
            return;
        }

        RdmaCall? call = null;
        var slot = SlotOf(message.CallId);
        lock (_lock)
        {
            if (slot < _calls.Length) call = _calls[slot];
        }

        // Nobody waits for it any more.
        if (call is null || call.Id != message.CallId || call.IsSettled) return;
        if (message.PayloadLength > call.ReceiveCapacity)
            _link.Break(new Status(StatusCode.ProtocolError, $"{Remote} answered with more bytes than were asked for"));
        else call.SettleAnswered(message, bytes[message.HeaderOffset..]);
    }

    /// <summary>Takes the call out of the table and lets the caller go on.</summary>
    public void Complete(RdmaCall call)
    {
        lock (_lock)
        {
            var slot = SlotOf(call.Id);
            Invariant.Check(_calls[slot] == call, "a call completes once");
            _calls[slot] = null;
            _freeSlots[_freeCount] = slot;
            Volatile.Write(ref _freeCount, _freeCount + 1);
        }

        call.Publish();
    }

    /// <summary>Any thread.</summary>
    public void Recycle(RdmaCall call) => _pool.TryAdd(call);

    public void LinkBroken(Status reason)
    {
        lock (_lock)
        {
            _broken = true;
            _closeReason = new Status(reason.Code, $"connection to {Remote}: {reason.Message}");
        }

        _timer.Dispose();
        _setup.Close();
        var lost = new Status(StatusCode.ConnectionLost, CloseReason.Message);
        for (var i = 0; i < _calls.Length; i++)
        {
            RdmaCall? call;
            lock (_lock) call = _calls[i];
            if (call is { IsSettled: false })
                call.SettleFailed(call.GivenUpFor == StatusCode.Ok ? lost : new Status(call.GivenUpFor));
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
        var isHere = _reactor.IsCurrent;
        if (isHere) Close();
        else _reactor.Post(static state => ((RdmaConnection)state!).Close(), this);
        await _closed.Task;
        if (!isHere) await Task.Yield();
    }

    private void Close() => _link.Break(new Status(StatusCode.Cancelled, $"connection to {Remote} was closed here"));
}
