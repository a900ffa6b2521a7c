using ThreeFs.Base;
using ThreeFs.Io;
using ThreeFs.Io.Sockets;
using ThreeFs.Transport.Frames;

namespace ThreeFs.Transport.SharedMemory;

/// <summary>What an end does with what arrives; reactor's thread.</summary>
internal interface ISharedEnd
{
    FrameKind Expected { get; }

    bool IsFull { get; }

    /// <summary>Takes the entry's frame, and its payload from the link. A failure breaks the connection.</summary>
    Status Arrived(SharedLink link, in FrameHeader header, ReadOnlySpan<byte> variable);

    /// <summary>The connection cannot go on.</summary>
    void Failed(Status reason);

    /// <summary>The port holds nothing any more.</summary>
    void PortClosed();
}

/// <summary>
/// One end of a connection over shared memory, client's or server's: looks at the ring while there is work, sleeps
/// otherwise, and notices a peer that is gone (its socket ends) or takes nothing. The connection's lock guards
/// writing.
/// </summary>
internal sealed class SharedPort : IPolled
{
    /// <summary>Entries taken in one turn, so that others have theirs.</summary>
    private const int MostEntries = 64;

    /// <summary>
    /// How long buffers that the peer has taken may wait until they are noticed, when nothing else happens.
    /// </summary>
    private static readonly TimeSpan _pulse = TimeSpan.FromMilliseconds(20);

    private readonly UnixSocket _socket;
    private readonly SharedLink _link;
    private readonly SharedSender _sender;
    private readonly ISharedEnd _end;
    private readonly TimeSpan _silenceLimit;
    private readonly Lock _lock;
    private readonly PollEntry _entry;
    private readonly ITimer _timer;
    private bool _isPulsing; // under the lock
    private bool _isStopped; // under the lock
    private bool _isFlushing; // reactor's
    private long _progressAt;
    private bool _isClosed;

    public SharedPort(UnixSocket socket, SharedLink link, Lock connectionLock, ISharedEnd end, TimeSpan silenceLimit)
    {
        _silenceLimit = silenceLimit;
        _socket = socket;
        _link = link;
        _lock = connectionLock;
        _end = end;
        _sender = new SharedSender(link, connectionLock);
        _entry = new PollEntry(socket.Reactor, this);
        _timer = socket.Reactor.Time.CreateTimer(
            static state => ((SharedPort)state!).Pulse(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Begins to look and to listen. Once.</summary>
    public void Open()
    {
        _entry.Activate();
        Listen();
    }

    private async void Listen()
    {
        int result;
        do
        {
            result = await _socket.RungAsync();
            if (result > 0) _entry.Activate();
        }
        while (result > 0 || result == -Io.Linux.Errno.EAGAIN);

        // What the peer had still written counts: it may have answered and gone.
        while (!_isStopped && Poll())
        {
        }

        _end.Failed(new Status(
            StatusCode.ConnectionLost, result == 0 ? "the peer closed" : Io.Linux.Errno.Describe(-result)));
        _isClosed = true;
        _timer.Dispose();
        _socket.Dispose();
        lock (_lock) _link.Dispose();
        _end.PortClosed();
    }

    /// <summary>
    /// Under the lock: sends a frame, now or when there is room. True when the frame's owner need not wait for the
    /// peer; the caller tells it.
    /// </summary>
    public bool Enqueue(OutgoingFrame frame)
    {
        Invariant.Check(!_isStopped, "nothing is sent on a stopped connection");
        var isDone = _sender.Enqueue(frame);
        if (_isPulsing || !_sender.IsWaiting) return isDone;
        _isPulsing = true;
        Volatile.Write(ref _progressAt, Environment.TickCount64);
        _timer.Change(_pulse, Timeout.InfiniteTimeSpan);
        return isDone;
    }

    /// <summary>Under the lock.</summary>
    public bool TryWithdraw(OutgoingFrame frame) => _sender.TryWithdraw(frame);

    /// <summary>
    /// After <see cref="Enqueue"/>, outside the lock: wakes a sleeping peer, at the end of the turn on the reactor's
    /// thread, at once on others.
    /// </summary>
    public void Flush()
    {
        if (!_socket.Reactor.IsCurrent)
        {
            RingIfAsleep();
            return;
        }

        if (_isFlushing) return;
        _isFlushing = true;
        _socket.Reactor.Defer(static state => ((SharedPort)state!).EndOfTurn(), this);
    }

    private void EndOfTurn()
    {
        _isFlushing = false;
        RingIfAsleep();
    }

    private void RingIfAsleep()
    {
        lock (_lock)
        {
            if (!_isStopped && _link.MustRing()) _socket.Ring();
        }
    }

    public bool Poll()
    {
        if (_isStopped) return false;
        if (_sender.IsWaiting && !Advance()) return false;
        var taken = 0;
        var status = Status.Ok;
        while (taken < MostEntries && !_end.IsFull && !_isStopped
            && _link.TryRead(_end.Expected, out var header, out var variable, out status))
        {
            taken++;
            status = _end.Arrived(_link, header, variable);
            if (!status.IsOk) break;
            _link.Consume();
        }

        if (!status.IsOk) _end.Failed(status);
        if (!_isStopped && _link.PublishHead(_end.IsFull)) _socket.Ring();
        return taken > 0;
    }

    /// <summary>False when the connection broke.</summary>
    private bool Advance()
    {
        if (_sender.Advance(out var hasProgress, out var status)) Flush();
        if (hasProgress) _progressAt = Environment.TickCount64;
        if (!status.IsOk) _end.Failed(status);
        return !_isStopped;
    }

    public bool TrySleep() => _isStopped || _link.TrySleep(!_end.IsFull);

    public void Wake()
    {
        if (!_isClosed && !_isStopped) _link.Wake();
    }

    /// <inheritdoc cref="SharedLink.WordAt"/>
    public ulong WordAt(long offset) => _isClosed || _isStopped ? 0 : _link.WordAt(offset);

    /// <summary>The peer's process has its end of the socket open now: it has not ended.</summary>
    public bool IsPeerAlive() => !_isClosed && !_isStopped && _socket.IsPeerThere();

    /// <summary>There is room for entries again.</summary>
    public void Resume() => _entry.Activate();

    private void Pulse()
    {
        if (_isStopped || !Advance()) return;
        lock (_lock)
        {
            _isPulsing = _sender.IsWaiting;
            if (_isPulsing) _timer.Change(_pulse, Timeout.InfiniteTimeSpan);
            else return;
        }

        // Only servers are ever full of requests; a client that says so wants to keep our buffers.
        if (_end.Expected == FrameKind.Response && _link.IsPeerFull) _progressAt = Environment.TickCount64;
        if (Environment.TickCount64 - _progressAt <= _silenceLimit.TotalMilliseconds) return;
        _end.Failed(new Status(StatusCode.ConnectionLost, $"the peer took nothing for {_silenceLimit.TotalSeconds:0.#} s"));
    }

    /// <summary>
    /// Sends and takes nothing any more; buffers are let go, after the peer can see that they are. <see
    /// cref="ISharedEnd.PortClosed"/> follows.
    /// </summary>
    public void Stop()
    {
        lock (_lock)
        {
            if (_isStopped) return;
            _isStopped = true;
            _link.MarkClosed();
        }

        _entry.Close();
        _sender.Abandon();
        _socket.Abort();
    }
}
