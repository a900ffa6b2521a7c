using ThreeFs.Base;
using ThreeFs.Io.Linux;
using ThreeFs.Io.Sockets;
using ThreeFs.Transport.Frames;

namespace ThreeFs.Transport.Tcp;

/// <summary>What a <see cref="FrameSender"/> tells its connection; on any thread.</summary>
internal interface IFrameSenderHost
{
    void SendFailed(int errno);

    /// <summary>The sender was closed and touches no frame and no socket any more.</summary>
    void SenderFinished();
}

/// <summary>
/// The outgoing half of a connection: a queue of frames and at most one thread that sends. Whoever enqueues into an
/// idle sender becomes its thread: the reactor gathers all frames of a turn and sends them in one call; another thread
/// sends at once, without waiting, and leaves what does not fit to the reactor.
/// </summary>
/// <remarks>
/// <c>_busy</c> is the baton: only its holder sends, advances frames and removes them from the queue. All fields below
/// the lock are its, except the vector and the batch, which are the baton holder's. The lock is the connection's own.
/// </remarks>
internal sealed class FrameSender
{
    private const int MostFrames = 64;
    private const int MostPieces = 256;

    private readonly StreamSocket _socket;
    private readonly Lock _lock;
    private readonly IFrameSenderHost _host;
    private readonly IoVector _vector = new(MostPieces);
    private readonly OutgoingFrame[] _batch = new OutgoingFrame[MostFrames];
    private readonly Action _waited;
    private System.Runtime.CompilerServices.ValueTaskAwaiter<int> _wait;
    private int _batchCount;
    private OutgoingFrame? _first;
    private OutgoingFrame? _last;
    private bool _busy;
    private bool _waiting;
    private bool _closed;
    private bool _finished;

    public FrameSender(StreamSocket socket, Lock connectionLock, IFrameSenderHost host)
    {
        _socket = socket;
        _lock = connectionLock;
        _host = host;
        _waited = Waited;
    }

    /// <summary>True once <see cref="IFrameSenderHost.SenderFinished"/> was or is being called.</summary>
    public bool IsFinished
    {
        get
        {
            lock (_lock) return _finished;
        }
    }

    /// <summary>
    /// Under the lock. True: the caller got the baton and must call <see cref="Run"/> after leaving the lock.
    /// </summary>
    public bool Enqueue(OutgoingFrame frame)
    {
        Invariant.Check(!_closed && !frame.IsQueued, "a frame is enqueued once, in an open sender");
        frame.Next = null;
        frame.IsQueued = true;
        if (_last is null) _first = frame;
        else _last.Next = frame;
        _last = frame;
        if (_busy) return false;
        _busy = true;
        return true;
    }

    /// <summary>
    /// Sends: at the end of the turn on the reactor's thread, at once on others. For the holder of the baton.
    /// </summary>
    public void Run()
    {
        if (_socket.Reactor.IsCurrent) _socket.Reactor.Defer(static state => ((FrameSender)state!).Flush(), this);
        else Flush();
    }

    /// <summary>Takes back a frame of which nothing was sent; false when it is too late for that.</summary>
    public bool TryWithdraw(OutgoingFrame frame)
    {
        lock (_lock)
        {
            if (!frame.IsQueued || frame.IsInBatch || frame.Sent > 0) return false;
            OutgoingFrame? before = null;
            for (var at = _first; at != frame; at = at.Next)
            {
                Invariant.Check(at is not null, "a queued frame is in the queue");
                before = at;
            }

            if (before is null) _first = frame.Next;
            else before.Next = frame.Next;
            if (_last == frame) _last = before;
            frame.IsQueued = false;
            return true;
        }
    }

    /// <summary>The kernel waits for room in the peer's window and holds this frame.</summary>
    public bool IsStuckWith(OutgoingFrame frame)
    {
        lock (_lock) return frame.IsInBatch && _waiting;
    }

    /// <summary>
    /// No more frames. What is queued is given up as soon as nobody is sending; the caller ends the socket.
    /// </summary>
    public void Close()
    {
        lock (_lock)
        {
            if (_closed) return;
            _closed = true;
            if (_busy) return;
            _busy = true;
        }

        Finish();
    }

    private void Flush()
    {
        while (Collect())
        {
            var sent = _socket.TrySend(_vector);
            if (sent >= 0 || sent == -Errno.EFAULT)
            {
                SettleOrTouch(sent);
            }
            else if (sent == -Errno.EAGAIN)
            {
                if (_socket.Reactor.IsCurrent) Wait();
                else if (!_socket.Reactor.Post(static state => ((FrameSender)state!).Wait(), this)) Fail(Errno.ECANCELED);
                return;
            }
            else
            {
                Fail(-sent);
                return;
            }
        }
    }

    /// <summary>Fills the vector from the front of the queue; gives the baton back when there is nothing.</summary>
    private bool Collect()
    {
        lock (_lock)
        {
            if (!_closed && _first is null)
            {
                _busy = false;
                return false;
            }

            if (!_closed)
            {
                _batchCount = 0;
                _vector.Clear();
                for (var frame = _first; frame is not null && _batchCount < MostFrames && _vector.Free > 1; frame = frame.Next)
                {
                    frame.IsInBatch = true;
                    frame.AddTo(_vector);
                    _batch[_batchCount++] = frame;
                }

                return true;
            }
        }

        Finish();
        return false;
    }

    /// <summary>
    /// The kernel may not find all memory: somebody cut it under one payload, which is not the trouble of the others on
    /// this connection.
    /// </summary>
    private void SettleOrTouch(int sent)
    {
        for (var i = 0; sent == -Errno.EFAULT && i < _batchCount; i++) _batch[i].Payload.Touch();
        Settle(Math.Max(sent, 0));
    }

    /// <summary>Books what was sent and lets go of the frames that are complete.</summary>
    private void Settle(long sent)
    {
        var done = 0;
        lock (_lock)
        {
            for (var i = 0; i < _batchCount; i++)
            {
                var frame = _batch[i];
                frame.IsInBatch = false;
                var part = Math.Min(sent, frame.Length - frame.Sent);
                frame.Sent += part;
                sent -= part;
                if (frame.Sent < frame.Length) continue;
                Invariant.Check(_first == frame, "frames are completed in order");
                _first = frame.Next;
                if (_first is null) _last = null;
                frame.IsQueued = false;
                done++;
            }
        }

        for (var i = 0; i < done; i++) _batch[i].Owner.FrameDone();
        Array.Clear(_batch, 0, _batchCount);
        _batchCount = 0;
    }

    /// <summary>Lets the ring wait for room. Reactor's thread, with the baton.</summary>
    private void Wait()
    {
        lock (_lock)
        {
            // Only the first frame is given away for an unknown time: those behind it can still be withdrawn.
            for (var i = 1; i < _batchCount; i++) _batch[i].IsInBatch = false;
            Array.Clear(_batch, 1, _batchCount - 1);
            _batchCount = 1;
            _vector.Clear();
            _batch[0].AddTo(_vector);
            _waiting = true;
        }

        _wait = _socket.SendAsync(_vector).GetAwaiter();
        if (_wait.IsCompleted) Waited();
        else _wait.UnsafeOnCompleted(_waited);
    }

    private void Waited()
    {
        var sent = _wait.GetResult();
        lock (_lock) _waiting = false;
        if (sent < 0 && sent is not (-Errno.EAGAIN or -Errno.EFAULT))
        {
            Fail(-sent);
            return;
        }

        SettleOrTouch(sent);
        Flush();
    }

    private void Fail(int errno)
    {
        lock (_lock) _closed = true;
        _host.SendFailed(errno);
        Finish();
    }

    /// <summary>Gives up everything; the baton is never passed on again.</summary>
    private void Finish()
    {
        OutgoingFrame? frame;
        lock (_lock)
        {
            frame = _first;
            _first = null;
            _last = null;
            for (var at = frame; at is not null; at = at.Next)
            {
                at.IsQueued = false;
                at.IsInBatch = false;
            }

            Invariant.Check(!_finished, "a sender finishes once");
            _finished = true;
        }

        while (frame is not null)
        {
            // The owner may reuse the frame at once.
            var next = frame.Next;
            frame.Next = null;
            frame.Owner.FrameDone();
            frame = next;
        }

        _host.SenderFinished();
    }
}
