using ThreeFs.Base;
using ThreeFs.Transport.Frames;

namespace ThreeFs.Transport.SharedMemory;

/// <summary>
/// The outgoing half: frames that wait for room in the ring, and those whose payload the peer has not yet taken. Both
/// in order. All under the connection's lock, except where said.
/// </summary>
internal sealed class SharedSender(SharedLink link, Lock gate)
{
    private readonly Queue<IFrameOwner> _done = new();
    private OutgoingFrame? _first;
    private OutgoingFrame? _last;
    private Held[] _held = new Held[16];
    private int _heldStart;
    private int _heldCount;
    private ulong _taken;

    /// <summary>An entry that the peer has not passed; its frame when the frame's owner waits for that.</summary>
    private record struct Held(ulong End, PayloadPlace Place, OutgoingFrame? Frame);

    /// <summary>Something waits for the peer. Any thread; the answer may be old.</summary>
    public bool IsWaiting => _heldCount > 0 || _first is not null;

    /// <summary>
    /// Writes the frame, or keeps it until there is room. True when its owner need not wait: the caller tells it.
    /// </summary>
    public bool Enqueue(OutgoingFrame frame)
    {
        Invariant.Check(!frame.IsQueued, "a frame is enqueued once");
        if (_first is null && link.TryWrite(frame, frame.Place, out var end)) return Written(frame, end);
        frame.Next = null;
        frame.IsQueued = true;
        if (_last is null) _first = frame;
        else _last.Next = frame;
        _last = frame;
        if (_first != frame) return false;

        // The announcement before the last look: the peer takes entries without the lock.
        link.AskForRoom();
        if (!link.TryWrite(frame, frame.Place, out end)) return false;
        Dequeue();
        link.NeedNoRoom();
        return Written(frame, end);
    }

    private bool Written(OutgoingFrame frame, ulong end)
    {
        var place = frame.Place;
        frame.Place = null;
        if (place is null) return true;
        frame.IsInBatch = place.IsByReference;
        Hold(new Held(end, place, place.IsByReference ? frame : null));
        return !place.IsByReference;
    }

    private void Hold(in Held held)
    {
        if (_heldCount == _held.Length)
        {
            var larger = new Held[_heldCount * 2];
            for (var i = 0; i < _heldCount; i++) larger[i] = _held[(_heldStart + i) % _heldCount];
            (_held, _heldStart) = (larger, 0);
        }

        _held[(_heldStart + _heldCount++) % _held.Length] = held;
    }

    private void Dequeue()
    {
        var frame = _first!;
        _first = frame.Next;
        if (_first is null) _last = null;
        frame.Next = null;
        frame.IsQueued = false;
    }

    /// <summary>Takes back a frame that still waits for room; false when it has left.</summary>
    public bool TryWithdraw(OutgoingFrame frame)
    {
        if (!frame.IsQueued) return false;
        OutgoingFrame? before = null;
        for (var at = _first; at != frame; at = at.Next)
        {
            Invariant.Check(at is not null, "a queued frame is in the queue");
            before = at;
        }

        if (before is null) _first = frame.Next;
        else before.Next = frame.Next;
        if (_last == frame) _last = before;
        frame.Next = null;
        frame.IsQueued = false;
        frame.Place?.Dispose();
        frame.Place = null;
        return true;
    }

    /// <summary>
    /// Lets go of what the peer has taken and writes what there is room for. Takes the lock itself; reactor's thread.
    /// True when something was written.
    /// </summary>
    public bool Advance(out bool hasProgress, out Status status)
    {
        var hasWritten = false;
        lock (gate)
        {
            status = link.TakePeerHead(out var head);
            hasProgress = head != _taken;
            _taken = head;
            while (_heldCount > 0 && _held[_heldStart].End <= head) LetGo();
            hasWritten = WriteQueued();
            link.NeedNoRoom();
            if (_first is not null)
            {
                // A new announcement: the peer rings once for each.
                link.AskForRoom();
                hasWritten |= WriteQueued();
            }
        }

        TellOwners();
        return hasWritten;
    }

    private bool WriteQueued()
    {
        var hasWritten = false;
        while (_first is { } frame && link.TryWrite(frame, frame.Place, out var end))
        {
            Dequeue();
            if (Written(frame, end)) _done.Enqueue(frame.Owner);
            hasWritten = true;
        }

        return hasWritten;
    }

    /// <summary>
    /// The peer will take nothing any more, or what it takes is worth nothing. Takes the lock itself; reactor's
    /// thread.
    /// </summary>
    public void Abandon()
    {
        lock (gate)
        {
            while (_heldCount > 0) LetGo();
            while (_first is { } frame)
            {
                Dequeue();
                frame.Place?.Dispose();
                frame.Place = null;
                _done.Enqueue(frame.Owner);
            }
        }

        TellOwners();
    }

    private void LetGo()
    {
        var held = _held[_heldStart];
        _held[_heldStart] = default;
        _heldStart = (_heldStart + 1) % _held.Length;
        _heldCount--;
        held.Place.Dispose();
        if (held.Frame is null) return;
        held.Frame.IsInBatch = false;
        _done.Enqueue(held.Frame.Owner);
    }

    /// <summary>Outside the lock: owners go on, and may send.</summary>
    private void TellOwners()
    {
        while (_done.TryDequeue(out var owner)) owner.FrameDone();
    }
}
