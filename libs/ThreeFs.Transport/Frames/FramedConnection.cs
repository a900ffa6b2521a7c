using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Io;

namespace ThreeFs.Transport.Frames;

/// <summary>
/// The client's end of a connection that carries frames: the calls in flight, their deadlines, and the end. Calls start
/// on any thread; everything else (answers, deadlines, the end) happens on the reactor's. How frames travel is the
/// transport's.
/// </summary>
/// <remarks>
/// The end has three steps: broken (no call is taken, the transport is stopped), quiet (it holds no memory any more),
/// closed (calls in flight complete, observers run). A call never completes while the transport may still touch its
/// memory.
/// </remarks>
internal abstract class FramedConnection : IConnection
{
    private const int SlotBits = 16;
    private const int StuckCheck = 50; // ms between looks at a call that is over but for its frame

    private readonly TimeSpan _defaultTimeout;
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

    protected FramedConnection(Reactor reactor, Endpoint remote, TransportOptions options)
    {
        Reactor = reactor;
        Remote = remote;
        _defaultTimeout = options.DefaultTimeout;
        _pool = new BoundedPool<ClientCall>(options.MaxInFlight);
        _calls = new ClientCall?[options.MaxInFlight];
        _freeSlots = new int[options.MaxInFlight];
        _freeCount = options.MaxInFlight;
        for (var i = 0; i < _freeCount; i++) _freeSlots[i] = _freeCount - 1 - i;
        _timer = reactor.Time.CreateTimer(
            static state => ((FramedConnection)state!).CheckDeadlines(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    public Endpoint Remote { get; }

    public bool IsBroken
    {
        get
        {
            lock (Lock) return _broken;
        }
    }

    public Status CloseReason
    {
        get
        {
            lock (Lock) return _closeReason;
        }
    }

    public int InFlight => _calls.Length - Volatile.Read(ref _freeCount);

    /// <inheritdoc cref="IConnection.LocalFiles"/>
    public virtual ILocalFiles? LocalFiles => null;

    protected Reactor Reactor { get; }

    protected Lock Lock { get; } = new();

    /// <summary>Every call has completed and the observers were told.</summary>
    protected bool IsClosed { get; private set; }

    public ValueTask<CallResult> CallAsync(in Call call, CancellationToken ct = default)
    {
        Invariant.Check(call.Header.Length <= TransportLimits.MaxHeader, "a header has at most 64 KiB");
        Invariant.Check(call.SendPayload.TotalLength <= TransportLimits.MaxPayload, "a payload has at most 65 MiB");
        Invariant.Check(call.ReceivePayload.TotalLength <= TransportLimits.MaxPayload, "an answer has at most 65 MiB");
        if (ct.IsCancellationRequested) return Refused(StatusCode.Cancelled);
        if (!TryPlace(call.SendPayload, out var place)) return Refused(StatusCode.Overloaded);
        var timeout = TimeoutOf(call);
        var refusal = Status.Ok;
        ValueTask<CallResult> task = default;
        var mustFlush = false;
        lock (Lock)
        {
            if (_broken)
            {
                refusal = new Status(StatusCode.ConnectionLost, _closeReason.Message);
            }
            else if (_freeCount == 0)
            {
                refusal = StatusCode.Overloaded;
            }
            else
            {
                var started = _pool.TryTake() ?? new ClientCall(this);
                var slot = _freeSlots[_freeCount - 1];
                Volatile.Write(ref _freeCount, _freeCount - 1);
                _calls[slot] = started;
                var deadline = Environment.TickCount64 + timeout;
                started.Begin(call, (_nextId++ << SlotBits) | (uint)slot, timeout, deadline, ct);
                started.Frame.Place = place;
                task = started.Task;
                ArmFor(deadline);
                mustFlush = Enqueue(started.Frame);
            }
        }

        if (!refusal.IsOk)
        {
            place?.Dispose();
            return Refused(refusal);
        }

        if (mustFlush) Flush();
        return task;
    }

    /// <summary>Puts a payload where the transport sends it from; false when there is no room. Any thread.</summary>
    protected virtual bool TryPlace(in IoSlices payload, out PayloadPlace? place)
    {
        place = null;
        return true;
    }

    /// <summary>
    /// Under the lock. True: the caller must call <see cref="Flush"/> after leaving it. The frame may be done when
    /// this returns.
    /// </summary>
    protected abstract bool Enqueue(OutgoingFrame frame);

    /// <summary>Any thread.</summary>
    protected abstract void Flush();

    /// <summary>
    /// Gives <paramref name="call"/> an outcome without its answer, now or as soon as its memory is free.
    /// </summary>
    protected abstract void GiveUp(ClientCall call, StatusCode code);

    /// <summary>
    /// The connection broke: stop sending and receiving, and call <see cref="Close"/> once no memory of calls is held.
    /// </summary>
    protected abstract void Stop();

    private int TimeoutOf(in Call call)
    {
        var timeout = call.Timeout > TimeSpan.Zero ? call.Timeout : _defaultTimeout;
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
        lock (Lock) _armedFor = long.MaxValue;
        var now = Environment.TickCount64;
        var next = long.MaxValue;
        for (var i = 0; i < _calls.Length && !IsClosed; i++)
        {
            // Started by another thread: its slot is set and its fields are written under the lock.
            ClientCall? call;
            lock (Lock) call = _calls[i];
            if (call is null) continue;
            if (call.Deadline <= now) GiveUp(call, StatusCode.DeadlineExceeded);
            next = Math.Min(next, Math.Max(call.Deadline, now + StuckCheck));
        }

        lock (Lock)
        {
            if (next != long.MaxValue && !_broken) ArmFor(next);
        }
    }

    /// <summary>Any thread.</summary>
    public void PostCancel(ClientCall call) => Reactor.Post(static state =>
    {
        var call = (ClientCall)state!;
        call.Owner.CancelIfAsked(call);
    }, call);

    private void CancelIfAsked(ClientCall call)
    {
        bool isAsked;
        lock (Lock) isAsked = IsInTable(call) && !call.IsSettled && call.Cancellation.IsCancellationRequested;
        if (isAsked) GiveUp(call, StatusCode.Cancelled);
    }

    private static int SlotOf(ulong id) => (int)(id & ((1 << SlotBits) - 1));

    private bool IsInTable(ClientCall call) => _calls[SlotOf(call.Id)] == call;

    /// <summary>
    /// A response's headers: the call that waits for its payload, or null when nothing is to be done with one. A
    /// failure breaks the connection.
    /// </summary>
    protected Status TakeAnswer(in FrameHeader header, ReadOnlySpan<byte> variable, out ClientCall? receiving)
    {
        receiving = null;
        var slot = SlotOf(header.CallId);
        ClientCall? call = null;
        lock (Lock)
        {
            if (slot < _calls.Length) call = _calls[slot];
        }

        // Nobody waits for it any more: drained.
        if (call is null || call.Id != header.CallId || call.IsSettled) return Status.Ok;
        if (header.PayloadLength > call.ReceivePayload.TotalLength)
            return new Status(StatusCode.ProtocolError, $"{Remote} answered with more bytes than were asked for");
        call.TakeAnswer(header, variable);
        if (header.PayloadLength == 0) call.SettleAnswered();
        else receiving = call;
        return Status.Ok;
    }

    /// <summary>Takes the call out of the table and lets the caller go on.</summary>
    public void Complete(ClientCall call)
    {
        lock (Lock)
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
    public void CompleteAnywhere(ClientCall call)
    {
        if (Reactor.IsCurrent) Complete(call);
        else Reactor.Post(static state => ((ClientCall)state!).Owner.Complete((ClientCall)state), call);
    }

    /// <summary>Any thread.</summary>
    public void Recycle(ClientCall call) => _pool.TryAdd(call);

    protected void Break(Status reason)
    {
        lock (Lock)
        {
            if (_broken) return;
            _broken = true;
            _closeReason = reason;
        }

        Stop();
    }

    /// <summary>Any thread.</summary>
    protected void PostBreak(Status reason) => Reactor.Post(static state =>
    {
        var (connection, reason) = ((FramedConnection, Status))state!;
        connection.Break(reason);
    }, (this, reason));

    /// <summary>The last step: calls that have no outcome are lost, observers are told. Once.</summary>
    protected void Close()
    {
        IsClosed = true;
        _timer.Dispose();
        var lost = new Status(StatusCode.ConnectionLost, CloseReason.Message);
        foreach (var call in _calls)
        {
            if (call is { IsSettled: false }) call.SettleFailed(lost);
        }

        List<Action<Status>>? observers;
        lock (Lock)
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
        lock (Lock)
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
        var isHere = Reactor.IsCurrent;
        if (isHere) Break(reason);
        else PostBreak(reason);
        await _closed.Task;
        if (!isHere) await Task.Yield();
    }
}
