using System.Net;
using System.Net.Sockets;
using ThreeFs.Io.Linux;
using Tmds.Linux;
using static Tmds.Linux.LibC;

namespace ThreeFs.Io.Sockets;

/// <summary>Making sockets and setting them up: no delay, and a dead peer noticed in bounded time.</summary>
internal static unsafe class SocketOptions
{
    private const int TcpNoDelay = 1;
    private const int TcpKeepIdle = 4;
    private const int TcpKeepInterval = 5;
    private const int TcpKeepCount = 6;
    private const int TcpUserTimeout = 18;
    private const int ProbeSeconds = 2;

    /// <summary>
    /// Without O_NONBLOCK: io_uring would answer EAGAIN instead of waiting. Direct sends say MSG_DONTWAIT.
    /// </summary>
    public static int NewSocket(IPEndPoint endpoint)
    {
        var family = endpoint.AddressFamily == AddressFamily.InterNetworkV6 ? AF_INET6 : AF_INET;
        return Sys.Result(socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0));
    }

    /// <summary>
    /// Failures are ignored: each only makes the connection slower or a dead peer noticed later, by the deadlines.
    /// </summary>
    public static void Configure(int fd, TimeSpan silenceLimit)
    {
        Set(fd, IPPROTO_TCP, TcpNoDelay, 1);
        Set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
        Set(fd, IPPROTO_TCP, TcpKeepIdle, ProbeSeconds);
        Set(fd, IPPROTO_TCP, TcpKeepInterval, ProbeSeconds);
        Set(fd, IPPROTO_TCP, TcpKeepCount, (int)silenceLimit.TotalSeconds / ProbeSeconds - 1);
        Set(fd, IPPROTO_TCP, TcpUserTimeout, (int)silenceLimit.TotalMilliseconds);
    }

    public static int Set(int fd, int level, int option, int value) =>
        Sys.Result(setsockopt(fd, level, option, &value, sizeof(int)));

    public static IPEndPoint LocalAddress(int fd)
    {
        var address = new PinnedAddress();
        socklen_t length = (uint)address.Length;
        var result = getsockname(fd, (sockaddr*)address.Address, &length);
        Base.Invariant.Check(result == 0, "a bound socket has an address");
        return address.ToEndPoint((int)(uint)length);
    }

    public static string RemoteName(int fd)
    {
        var address = new PinnedAddress();
        socklen_t length = (uint)address.Length;
        return getpeername(fd, (sockaddr*)address.Address, &length) == 0
            ? address.ToEndPoint((int)(uint)length).ToString()
            : "gone";
    }
}
