using System.Runtime.InteropServices;
using ThreeFs.Base;
using ThreeFs.Io.Linux;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace ThreeFs.Io.Sockets;

/// <summary>
/// A connection to another process of this host, under a name of the network namespace: messages, open files beside
/// them, who the peer is, and when it is gone. Reactor's thread, except <see cref="Ring"/>.
/// </summary>
/// <remarks>
/// Nothing a peer does makes a call here wait: sends never do, receives complete on the reactor. Files that a message
/// brings belong to this object until <see cref="TakeFile"/>; those left over are closed with the next message and at
/// the end.
/// </remarks>
public sealed class UnixSocket : IDisposable
{
    /// <summary>Most bytes of a message.</summary>
    public const int MaxMessage = 512;

    /// <summary>Most open files that one message brings.</summary>
    public const int MaxFiles = 4;

    private const int AfUnix = 1;
    private const int SockSeqpacket = 5;
    private const int SoPeerCred = 17;
    private const int ScmRights = 1;
    private const int CloexecFlag = 0x80000;
    private const int NonBlockFlag = 0x800;
    private const int SetFlags = 4; // F_SETFL
    private const int ControlHeader = 16; // sizeof(struct cmsghdr)

    private readonly SocketOperation _receive;
    private readonly byte[] _bytes = GC.AllocateArray<byte>(MaxMessage, pinned: true);
    private readonly byte[] _control = GC.AllocateArray<byte>(ControlHeader + MaxFiles * sizeof(int), pinned: true);
    private readonly msghdr[] _message = GC.AllocateArray<msghdr>(1, pinned: true);
    private readonly iovec[] _vector = GC.AllocateArray<iovec>(1, pinned: true);
    private readonly int[] _files = new int[MaxFiles];
    private readonly int _fd;
    private int _length;
    private bool _closed;

    private unsafe UnixSocket(Reactor reactor, int fd)
    {
        Reactor = reactor;
        _fd = fd;
        _receive = new SocketOperation(reactor);
        Array.Fill(_files, -1);
        var credentials = stackalloc int[3];
        socklen_t size = 12;
        var known = getsockopt(fd, SOL_SOCKET, SoPeerCred, credentials, &size) == 0;
        PeerPid = known ? credentials[0] : 0;
        PeerUser = known ? (uint)credentials[1] : uint.MaxValue;
    }

    public Reactor Reactor { get; }

    /// <summary>The peer's effective user when it connected or began to listen, as the kernel knows it.</summary>
    public uint PeerUser { get; }

    public int PeerPid { get; }

    public bool IsQuiet => !_receive.IsRunning;

    /// <summary>The last message received; valid until the next.</summary>
    public ReadOnlySpan<byte> Message => _bytes.AsSpan(0, _length);

    /// <summary>The user that this process acts as.</summary>
    public static uint OwnUser => (uint)geteuid();

    internal static int NewSocket() => Sys.Result(socket(AfUnix, SockSeqpacket | CloexecFlag, 0));

    /// <summary>struct sockaddr_un of an abstract name: it has no file and ends with the socket.</summary>
    internal static byte[] AddressOf(string name)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(name);
        Invariant.Check(bytes.Length is > 0 and < 107, "a Unix socket's name has 1 to 106 bytes");
        var address = new byte[3 + bytes.Length];
        address[0] = AfUnix;
        bytes.CopyTo(address, 3);
        return address;
    }

    /// <summary>
    /// Connects at once or not at all: <see cref="StatusCode.NotFound"/> when nobody listens in this network namespace.
    /// </summary>
    public static unsafe Result<UnixSocket> Connect(Reactor reactor, string name)
    {
        const int connectionRefused = 111;
        var fd = Sys.Result(socket(AfUnix, SockSeqpacket | CloexecFlag | NonBlockFlag, 0));
        if (fd < 0) return Errno.ToStatus(-fd, "make a Unix socket");
        var address = AddressOf(name);
        int result;
        fixed (byte* p = address) result = Sys.Result(connect(fd, (sockaddr*)p, (uint)address.Length));

        // io_uring answers EAGAIN on a socket that does not block, instead of waiting.
        if (result == 0) result = Sys.Result(fcntl(fd, SetFlags, 0));
        if (result == 0) return new UnixSocket(reactor, fd);
        Sys.Close(fd);
        return result == -connectionRefused
            ? new Status(StatusCode.NotFound, $"nobody listens on the Unix socket {name}")
            : Errno.ToStatus(-result, $"connect to the Unix socket {name}");
    }

    /// <summary>A connection that a <see cref="SocketListener"/> accepted.</summary>
    public static UnixSocket Adopt(Reactor reactor, int accepted) => new(reactor, accepted);

    /// <summary>Sends a message with open files; zero, or the negative error (EAGAIN: the peer takes none).</summary>
    public unsafe int Send(ReadOnlySpan<byte> bytes, ReadOnlySpan<int> files)
    {
        Invariant.Check(bytes.Length is > 0 and <= MaxMessage && files.Length <= MaxFiles, "a message has 1 to 512 bytes and at most 4 files");
        var control = stackalloc byte[ControlHeader + MaxFiles * sizeof(int)];
        fixed (byte* p = bytes)
        {
            var vector = new iovec { iov_base = p, iov_len = bytes.Length };
            msghdr message = default;
            message.msg_iov = &vector;
            message.msg_iovlen = 1;
            if (files.Length > 0)
            {
                *(ulong*)control = (ulong)(ControlHeader + files.Length * sizeof(int));
                *(int*)(control + 8) = SOL_SOCKET;
                *(int*)(control + 12) = ScmRights;
                files.CopyTo(new Span<int>(control + ControlHeader, files.Length));
                message.msg_control = control;
                message.msg_controllen = (ControlHeader + files.Length * sizeof(int) + 7) & ~7;
            }

            var sent = Sys.SendMessage(_fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
            return sent < 0 ? sent : 0;
        }
    }

    /// <summary>Receives a message: its bytes (at least one), 0 at the end, or the negative error.</summary>
    public async ValueTask<int> ReceiveAsync()
    {
        CloseFiles();
        var received = await Begin();
        _length = Math.Max(received, 0);
        TakeControl(received);
        return received;
    }

    private unsafe ValueTask<int> Begin()
    {
        ref var message = ref _message[0];
        _vector[0].iov_base = (void*)Marshal.UnsafeAddrOfPinnedArrayElement(_bytes, 0);
        _vector[0].iov_len = MaxMessage;
        message.msg_iov = (iovec*)Marshal.UnsafeAddrOfPinnedArrayElement(_vector, 0);
        message.msg_iovlen = 1;
        message.msg_control = (void*)Marshal.UnsafeAddrOfPinnedArrayElement(_control, 0);
        message.msg_controllen = _control.Length;
        return _receive.ReceiveMessage(_fd, (msghdr*)Marshal.UnsafeAddrOfPinnedArrayElement(_message, 0));
    }

    private void TakeControl(int received)
    {
        var length = (uint)_message[0].msg_controllen;
        if (received < 0 || length < ControlHeader) return;
        var header = MemoryMarshal.Cast<byte, int>(_control.AsSpan());
        if (header[2] != SOL_SOCKET || header[3] != ScmRights) return;
        var count = (int)Math.Min(MaxFiles, (BitConverter.ToInt64(_control) - ControlHeader) / sizeof(int));
        for (var i = 0; i < count; i++) _files[i] = header[4 + i];
    }

    /// <summary>An open file of the last message, which is the caller's from now on; −1 when there is none.</summary>
    public int TakeFile(int index)
    {
        var file = _files[index];
        _files[index] = -1;
        return file;
    }

    private void CloseFiles()
    {
        for (var i = 0; i < MaxFiles; i++)
        {
            var file = TakeFile(i);
            if (file >= 0) Sys.Close(file);
        }
    }

    /// <summary>
    /// Wakes the peer, who waits in <see cref="RungAsync"/>. Never waits: a peer that has not looked for long has a
    /// full queue and is awake as soon as it looks. Any thread, until disposed.
    /// </summary>
    public unsafe void Ring()
    {
        var one = (byte)1;
        while (Sys.Result((long)send(_fd, &one, 1, MSG_DONTWAIT | MSG_NOSIGNAL)) == -Errno.EINTR)
        {
        }
    }

    /// <summary>
    /// The other end is open now: of a process that has ended, however it did, the kernel has closed it. Until disposed.
    /// </summary>
    public unsafe bool IsPeerThere()
    {
        const short hangUp = 0x10, error = 0x8; // POLLHUP, POLLERR: reported unasked
        var poll = new pollfd { fd = _fd };
        int found;
        do found = Sys.Poll(&poll);
        while (found == -Errno.EINTR);
        return found == 0 || (found > 0 && (poll.revents & (hangUp | error)) == 0);
    }

    /// <summary>Completes when the peer rings (1), is gone (0), or with the negative error.</summary>
    public ValueTask<int> RungAsync() => _receive.Receive(_fd, Marshal.UnsafeAddrOfPinnedArrayElement(_bytes, 0), 1, pollFirst: true);

    /// <summary>Makes a receive in flight complete.</summary>
    public void CancelReceive() => Reactor.Cancel(_receive);

    /// <summary>Tells the peer that this is the end; what is in flight completes.</summary>
    public void Abort() => shutdown(_fd, SHUT_RDWR);

    /// <summary>Closes; nothing may be in flight.</summary>
    public void Dispose()
    {
        if (_closed) return;
        Invariant.Check(IsQuiet, "a socket is closed when no operation is in flight");
        _closed = true;
        CloseFiles();
        Sys.Close(_fd);
    }
}
