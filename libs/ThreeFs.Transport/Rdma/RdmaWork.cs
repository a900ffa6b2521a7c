using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Transport.Rdma.Verbs;

namespace ThreeFs.Transport.Rdma;

internal interface IRdmaWorkOwner
{
    /// <summary>
    /// The adapter is done with the work's memory: moved and sent, or (with <paramref name="isDone"/> false) the link is
    /// gone. Reactor's thread.
    /// </summary>
    void WorkEnded(RdmaWork work, bool isDone);
}

/// <summary>
/// One thing a link does in its turn: a transfer between local memory and the peer's, then a message, either of which may
/// be missing. Reused with its owner.
/// </summary>
internal sealed class RdmaWork(IRdmaWorkOwner owner)
{
    private const int SmallMessage = 1024;

    private byte[] _message = new byte[SmallMessage];

    public IRdmaWorkOwner Owner { get; } = owner;

    /// <summary>Waits for its turn or is in the adapter's hands.</summary>
    public bool IsBusy { get; set; }

    public RdmaWork? Next { get; set; }

    public IbOpcode Opcode { get; private set; }

    public long TransferLength { get; private set; }

    public int MessageLength { get; private set; }

    /// <summary>Bytes of the message that are with the adapter.</summary>
    public int MessageSent { get; set; }

    /// <summary>Bytes of the transfer that are with the adapter.</summary>
    public long Moved { get; private set; }

    /// <summary>Nothing of it is with the adapter yet.</summary>
    public bool IsUntouched => Moved == 0 && MessageSent == 0;

    public bool IsMoved => Moved == TransferLength;

    public bool IsSent => MessageSent == MessageLength;

    private IoSlices _local;
    private RemoteSlice[] _remote = [];
    private Cursor _here;
    private Cursor _there;

    public ReadOnlySpan<byte> Message => _message.AsSpan(0, MessageLength);

    /// <summary>Room for a message of exactly so many bytes, and nothing to move before it.</summary>
    public Span<byte> Begin(int messageLength)
    {
        Invariant.Check(!IsBusy, "work is used again when it has ended");
        if (_message.Length < messageLength) _message = new byte[messageLength];
        MessageLength = messageLength;
        MessageSent = 0;
        TransferLength = 0;
        Moved = 0;
        return _message.AsSpan(0, messageLength);
    }

    /// <summary>
    /// Moves the first <paramref name="length"/> bytes of both lists before the message; the local memory is registered.
    /// </summary>
    public void Transfer(IbOpcode opcode, in IoSlices local, RemoteSlice[] remote, long length)
    {
        Opcode = opcode;
        _local = local;
        _remote = remote;
        TransferLength = length;
        _here = default;
        _there = default;
    }

    /// <summary>Memory of the peer where the transfer goes on, at most so many bytes in one piece.</summary>
    public RemoteSlice NextRemote(long most)
    {
        while (_there.Offset == _remote[_there.Index].Length) _there = new Cursor(_there.Index + 1, 0);
        var slice = _remote[_there.Index];
        var length = Math.Min(Math.Min(slice.Length - _there.Offset, most), TransferLength - Moved);
        return new RemoteSlice { Address = slice.Address + (ulong)_there.Offset, Length = (uint)length, Key = slice.Key };
    }

    /// <summary>Local memory where the transfer goes on, at most so many bytes in one piece.</summary>
    public IoMemory NextLocal(long most)
    {
        while (_here.Offset == _local[_here.Index].Length) _here = new Cursor(_here.Index + 1, 0);
        var slice = _local[_here.Index];
        return slice.Slice((int)_here.Offset, (int)Math.Min(slice.Length - _here.Offset, most));
    }

    /// <summary>So many bytes are with the adapter, in one local piece.</summary>
    public void Advance(int length)
    {
        Moved += length;
        _here = new Cursor(_here.Index, _here.Offset + length);
        _there = new Cursor(_there.Index, _there.Offset + length);
    }

    /// <summary>Forgets the memory, and an array too large to keep.</summary>
    public void Clear()
    {
        _local = default;
        _remote = [];
        if (_message.Length > SmallMessage * 8) _message = new byte[SmallMessage];
    }

    private readonly record struct Cursor(int Index, long Offset);
}
