using System.Runtime.InteropServices;
using System.Text;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Io.Sockets;

namespace ThreeFs.Transport.Frames;

/// <summary>Who is told that a frame's memory is not needed any more.</summary>
internal interface IFrameOwner
{
    /// <summary>
    /// Sent completely, or given up with the connection; called once for each enqueued frame, on the thread that sent
    /// it.
    /// </summary>
    void FrameDone();
}

/// <summary>
/// A frame on its way out: its fixed and variable header in one pinned array, its payload where the owner has it.
/// Reused with its owner; a large header's array is not kept.
/// </summary>
internal sealed class OutgoingFrame(IFrameOwner owner)
{
    private const int SmallBuffer = 512;
    private const int MostMessage = 1024;

    private byte[] _buffer = GC.AllocateUninitializedArray<byte>(SmallBuffer, pinned: true);
    private int _headerBytes;

    public IFrameOwner Owner { get; } = owner;

    public IoSlices Payload { get; private set; }

    /// <summary>Where a transport that moves payloads first has put this one; it disposes it.</summary>
    public PayloadPlace? Place { get; set; }

    /// <summary>Bytes already given to the kernel.</summary>
    public long Sent { get; set; }

    public long Length => _headerBytes + Payload.TotalLength;

    // The rest belongs to the sender's queue and its lock.
    public OutgoingFrame? Next { get; set; }

    public bool IsQueued { get; set; }

    /// <summary>A send of it is running: the kernel may be reading its memory.</summary>
    public bool IsInBatch { get; set; }

    /// <summary>Room for a header of <paramref name="length"/> bytes; discards what was there.</summary>
    public Span<byte> Header(int length)
    {
        Invariant.Check((uint)length <= TransportLimits.MaxHeader, "a header has at most 64 KiB");
        if (_buffer.Length < FrameHeader.Size + length)
            _buffer = GC.AllocateUninitializedArray<byte>(FrameHeader.Size + length, pinned: true);
        return _buffer.AsSpan(FrameHeader.Size, length);
    }

    public int HeaderCapacity => _buffer.Length - FrameHeader.Size;

    /// <summary>Puts a status's message in place of the header.</summary>
    public int WriteMessage(string message)
    {
        var text = message.AsSpan(0, Math.Min(message.Length, MostMessage));
        return Encoding.UTF8.GetBytes(text, Header(MostMessage * 3));
    }

    /// <summary>Makes the frame ready to be enqueued; its header is already written.</summary>
    public void Seal(FrameHeader header, in IoSlices payload)
    {
        header.WriteBefore(_buffer);
        _headerBytes = FrameHeader.Size + header.HeaderLength;
        Payload = payload;
        Sent = 0;
    }

    /// <summary>The fixed and the variable header; after <see cref="Seal"/>.</summary>
    public ReadOnlySpan<byte> Headers => _buffer.AsSpan(0, _headerBytes);

    /// <summary>Adds what is left of this frame to a gather list, as far as there is room.</summary>
    public void AddTo(IoVector vector)
    {
        if (vector.Free == 0) return;
        var inPayload = Sent - _headerBytes;
        if (inPayload < 0)
        {
            vector.Add(Marshal.UnsafeAddrOfPinnedArrayElement(_buffer, (int)Sent), (int)-inPayload);
            inPayload = 0;
        }

        vector.Add(Payload, inPayload, Payload.TotalLength - inPayload);
    }

    /// <summary>Forgets the payload, and an array too large to keep.</summary>
    public void Clear()
    {
        Payload = default;
        if (_buffer.Length > SmallBuffer * 8) _buffer = GC.AllocateUninitializedArray<byte>(SmallBuffer, pinned: true);
    }
}
