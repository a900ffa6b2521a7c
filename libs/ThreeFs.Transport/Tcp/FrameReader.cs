using System.Runtime.InteropServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Io.Linux;
using ThreeFs.Io.Sockets;
using ThreeFs.Transport.Frames;

namespace ThreeFs.Transport.Tcp;

/// <summary>What a <see cref="FrameReader"/> finds; reactor's thread.</summary>
internal interface IFrameSink
{
    /// <summary>
    /// A frame's headers are there. The answer says where the payload goes: fewer bytes than the payload (none) and it
    /// is drained. The span is valid during the call. A failure breaks the connection.
    /// </summary>
    Status FrameArrived(in FrameHeader header, ReadOnlySpan<byte> variable, out IoSlices destination);

    /// <summary>The payload of the last frame is in its destination.</summary>
    void PayloadArrived();

    /// <summary>
    /// After <see cref="FrameReader.AbandonPayload"/>: nothing is written to the destination any more.
    /// </summary>
    void PayloadAbandoned();

    /// <summary>No more frames may be taken now: reading goes on with <see cref="FrameReader.Resume"/>.</summary>
    bool IsFull { get; }

    /// <summary>The reader touches neither memory nor socket any more; Ok when it was stopped.</summary>
    void ReaderFinished(Status reason);
}

/// <summary>
/// The incoming half of a connection: takes frames apart and puts payloads into their final memory. Small frames come
/// through a buffer, many for one system call. Of a large payload only what the buffer happened to hold is copied;
/// after a large one the next receive asks only for a header, so that in a stream of large payloads almost nothing is
/// copied.
/// </summary>
/// <remarks>Bounded: the buffer never grows, a frame that would not fit its limits is refused before anything is
/// received for it.</remarks>
internal sealed class FrameReader
{
    private const int Capacity = FrameHeader.Size + TransportLimits.MaxHeader + WideWindow;
    private const int WideWindow = 64 * 1024;
    private const int NarrowWindow = 1024;
    private const int LargePayload = 32 * 1024;
    private const int MostPieces = 128;

    private readonly StreamSocket _socket;
    private readonly FrameKind _expected;
    private readonly IFrameSink _sink;
    private readonly ResumeSignal _resume = new();
    private readonly IoVector _vector = new(MostPieces);
    private readonly IoMemory _buffer = Allocate();
    private int _start;
    private int _end;
    private int _window = WideWindow;
    private int _asked;
    private bool _expectEmpty;
    private bool _stopping;
    private bool _abandon;
    private bool _inPayload;

    /// <summary>Of the frame being received: bytes of its payload still to come, and how many are in place.</summary>
    private int _payloadLeft;
    private long _payloadDone;
    private bool _drain;
    private IoSlices _destination;

    public FrameReader(StreamSocket socket, FrameKind expected, IFrameSink sink)
    {
        _socket = socket;
        _expected = expected;
        _sink = sink;
    }

    /// <summary>Reads until the stream ends or is stopped. Reactor's thread.</summary>
    public static async void Run(FrameReader reader)
    {
        Status reason;
        do reason = reader.Advance(await reader.Next());
        while (reason.IsOk && !reader._stopping);
        reader.Free();
        reader._sink.ReaderFinished(reason);
    }

    /// <summary>Takes no more frames; the caller ends the socket, which completes the receive in flight.</summary>
    public void Stop()
    {
        _stopping = true;
        Resume();
    }

    /// <summary>The sink has room again.</summary>
    public void Resume() => _resume.Set();

    /// <summary>
    /// The destination's owner gives up: the receive in flight is cancelled, then <see
    /// cref="IFrameSink.PayloadAbandoned"/> is called and the rest is drained.
    /// </summary>
    public void AbandonPayload()
    {
        Invariant.Check(_inPayload && !_drain, "a payload is being received");
        _abandon = true;
        _socket.CancelReceive();
    }

    /// <summary>For a cancellation that found the receive not yet in the kernel's hands.</summary>
    public void AbandonAgain()
    {
        if (_abandon) _socket.CancelReceive();
    }

    /// <summary>The next receive: into the payload's destination, or into the buffer.</summary>
    private ValueTask<int> Next()
    {
        if (_stopping) return new ValueTask<int>(-Errno.ECANCELED);
        if (_inPayload && !_drain)
        {
            _vector.Clear();
            _vector.Add(_destination, _payloadDone, _payloadLeft);
            _asked = 0;
            return _socket.ReceiveAsync(_vector);
        }

        if (_sink.IsFull && !_inPayload) return _resume.WaitAsync();
        if (_start == _end) _start = _end = 0;
        if (Capacity - _start < FrameHeader.Size + TransportLimits.MaxHeader) Compact();
        _asked = Math.Min(_inPayload ? Math.Min(_payloadLeft, WideWindow) : _window, Capacity - _end);
        return _socket.ReceiveAsync(_buffer.Slice(_end, _asked), _expectEmpty);
    }

    private void Compact()
    {
        Buffered.CopyTo(_buffer.Span);
        _end -= _start;
        _start = 0;
    }

    /// <summary>Takes the outcome of a receive; a payload may still come in parts.</summary>
    private Status Advance(int received)
    {
        if (received == ResumeSignal.Resumed) return Parse();
        if (_abandon)
        {
            _abandon = false;
            Abandon(Math.Max(received, 0));
            if (received == -Errno.ECANCELED) return Status.Ok;
        }
        else if (received > 0 && _inPayload && !_drain)
        {
            Placed(received);
            return Status.Ok;
        }

        if (received == 0) return End();
        if (received == -Errno.EAGAIN) return Status.Ok;
        if (received == -Errno.EFAULT && _inPayload && !_drain)
        {
            // Somebody cut the memory under one payload: not the trouble of the others on this connection.
            _destination.Touch();
            return Status.Ok;
        }

        if (received < 0) return new Status(StatusCode.ConnectionLost, Errno.Describe(-received));
        if (_asked == 0) return Status.Ok;
        _expectEmpty = received < _asked && !_socket.MoreIsWaiting;
        if (received == _asked && !_inPayload) _window = Math.Min(_window * 4, WideWindow);
        _end += received;
        return Parse();
    }

    /// <summary>The peer closed: orderly between frames, else in the middle of one.</summary>
    private Status End()
    {
        var isOrderly = _start == _end && !_inPayload;
        return new Status(StatusCode.ConnectionLost, isOrderly ? "the peer closed" : "the peer closed in the middle of a frame");
    }

    /// <summary>Takes whole frames and parts of payloads out of the buffer until it holds no more of either.</summary>
    private Status Parse()
    {
        while (!_stopping)
        {
            if (_inPayload)
            {
                if (_start == _end) return Status.Ok;
                TakeBuffered();
                continue;
            }

            if (_sink.IsFull || _end - _start < FrameHeader.Size) return Status.Ok;
            var status = FrameHeader.TryRead(Buffered[..FrameHeader.Size], _expected, out var header);
            if (!status.IsOk) return status;
            if (_end - _start < FrameHeader.Size + header.HeaderLength) return Status.Ok;
            status = Begin(header);
            if (!status.IsOk) return status;
        }

        return Status.Ok;
    }

    private Status Begin(in FrameHeader header)
    {
        var variable = Buffered.Slice(FrameHeader.Size, header.HeaderLength);
        var status = header.CheckHeader(variable);
        if (!status.IsOk) return status;
        _start += FrameHeader.Size + header.HeaderLength;
        _payloadLeft = header.PayloadLength;
        _payloadDone = 0;
        _inPayload = header.PayloadLength > 0;
        if (header.PayloadLength >= LargePayload) _window = NarrowWindow;
        status = _sink.FrameArrived(header, variable, out _destination);
        _drain = _destination.TotalLength < header.PayloadLength;
        return status;
    }

    private void TakeBuffered()
    {
        var part = Math.Min(_payloadLeft, _end - _start);
        if (!_drain) _destination.CopyFrom(_payloadDone, Buffered[..part]);
        _start += part;
        Placed(part);
    }

    private void Placed(int bytes)
    {
        _payloadDone += bytes;
        _payloadLeft -= bytes;
        if (_payloadLeft > 0) return;
        _inPayload = false;
        _destination = default;
        if (!_drain) _sink.PayloadArrived();
    }

    private void Abandon(int received)
    {
        _payloadLeft -= received;
        _inPayload = _payloadLeft > 0;
        _drain = true;
        _destination = default;
        _sink.PayloadAbandoned();
    }

    private ReadOnlySpan<byte> Buffered => _buffer.Span[_start.._end];

    private static unsafe IoMemory Allocate() => new((nint)NativeMemory.Alloc(Capacity), Capacity);

    private unsafe void Free() => NativeMemory.Free((void*)_buffer.Address);
}
