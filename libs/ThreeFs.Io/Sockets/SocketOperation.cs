using System.Threading.Tasks.Sources;
using ThreeFs.Io.Linux;
using ThreeFs.Io.Ring;
using static Tmds.Linux.LibC;

namespace ThreeFs.Io.Sockets;

/// <summary>
/// One direction of a socket: at most one operation at a time, reused for all of them. Completes with the bytes moved
/// or with the negative error; interrupted operations are repeated.
/// </summary>
internal sealed unsafe class SocketOperation(Reactor reactor) : RingOperation, IValueTaskSource<int>
{
    private readonly uint _whole = reactor.KeepsPartialTransfers ? (uint)MSG_WAITALL : 0;
    private ManualResetValueTaskSourceCore<int> _core;
    private UringOp _code;
    private int _fd;
    private ulong _address;
    private uint _length;
    private ulong _offset;
    private uint _flags;
    private bool _pollFirst;

    /// <summary>After a receive: the socket still held bytes.</summary>
    public bool MoreIsWaiting { get; private set; }

    /// <summary>Between the start and its completion.</summary>
    public bool IsRunning { get; private set; }

    public ValueTask<int> Receive(int fd, nint address, int length, bool pollFirst)
    {
        _pollFirst = pollFirst;
        return Run(UringOp.Recv, fd, (ulong)address, (uint)length, 0, 0);
    }

    /// <summary>
    /// Completes when the vector is full, where the kernel goes on by itself after each part that arrives.
    /// </summary>
    public ValueTask<int> ReceiveMessage(int fd, IoVector vector, bool pollFirst)
    {
        _pollFirst = pollFirst;
        return Run(UringOp.RecvMsg, fd, (ulong)vector.Message(), 1, 0, _whole);
    }

    /// <summary>One message with what comes beside it; its file numbers are not inherited.</summary>
    public ValueTask<int> ReceiveMessage(int fd, Tmds.Linux.msghdr* message)
    {
        const uint closeOnExec = 0x40000000; // MSG_CMSG_CLOEXEC
        _pollFirst = false;
        return Run(UringOp.RecvMsg, fd, (ulong)message, 1, 0, closeOnExec);
    }

    /// <summary>Completes when everything is sent, for the same reason.</summary>
    public ValueTask<int> SendMessage(int fd, IoVector vector) =>
        Run(UringOp.SendMsg, fd, (ulong)vector.Message(), 1, 0, (uint)MSG_NOSIGNAL | _whole);

    public ValueTask<int> Connect(int fd, nint address, int length) =>
        Run(UringOp.Connect, fd, (ulong)address, 0, (ulong)length, 0);

    public ValueTask<int> Accept(int fd) => Run(UringOp.Accept, fd, 0, 0, 0, (uint)SOCK_CLOEXEC);

    private ValueTask<int> Run(UringOp code, int fd, ulong address, uint length, ulong offset, uint flags)
    {
        Base.Invariant.Check(!IsRunning, "a socket's direction has one operation at a time");
        IsRunning = true;
        _code = code;
        _fd = fd;
        _address = address;
        _length = length;
        _offset = offset;
        _flags = flags;
        reactor.Start(this);
        return new ValueTask<int>(this, _core.Version);
    }

    public override void Prepare(ref Sqe sqe)
    {
        sqe.Opcode = _code;
        sqe.Fd = _fd;
        sqe.Address = _address;
        sqe.Length = _length;
        sqe.Offset = _offset;
        sqe.OpFlags = _flags;
        if (_pollFirst) sqe.IoPriority = Uring.RecvSendPollFirst;
    }

    public override void Complete(int result, uint flags)
    {
        if (result == -Errno.EINTR)
        {
            reactor.Start(this);
            return;
        }

        MoreIsWaiting = (flags & Uring.CqeSocketNonEmpty) != 0;
        _pollFirst = false;
        IsRunning = false;
        _core.SetResult(result);
    }

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    public int GetResult(short token)
    {
        var result = _core.GetResult(token);
        _core.Reset();
        return result;
    }
}
