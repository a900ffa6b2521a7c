using System.Net.Sockets;
using Grpc.Core;
using ThreeFs.Base;
using Code = Grpc.Core.StatusCode;

namespace ThreeFs.Client.Mgmtd;

/// <summary>Turns what a gRPC call throws into a <see cref="Base.Status"/>; the difference that matters is whether the peer may have executed it.</summary>
internal static class GrpcErrors
{
    /// <param name="e">Anything that a generated client method throws.</param>
    /// <param name="callerGaveUp">The caller's own token is cancelled, not only the call's time limit.</param>
    public static Base.Status ToStatus(Exception e, string address, bool callerGaveUp)
    {
        if (callerGaveUp) return new Base.Status(Base.StatusCode.Cancelled, $"the call to {address} was given up");
        return e switch
        {
            RpcException rpc => FromRpc(rpc, address),
            OperationCanceledException => new Base.Status(Base.StatusCode.DeadlineExceeded, $"{address} did not answer in time"),
            ObjectDisposedException => new Base.Status(Base.StatusCode.Unavailable, "the client is closed"),
            _ => new Base.Status(Base.StatusCode.ProtocolError, $"{address}: {e.Message}"),
        };
    }

    private static Base.Status FromRpc(RpcException e, string address)
    {
        var code = e.StatusCode switch
        {
            Code.Unavailable => NeverConnected(e) ? Base.StatusCode.ConnectFailed : Base.StatusCode.ConnectionLost,
            Code.Cancelled or Code.DeadlineExceeded => Base.StatusCode.DeadlineExceeded,
            Code.Unimplemented => Base.StatusCode.NotImplemented,
            Code.ResourceExhausted => Base.StatusCode.Overloaded,
            Code.Internal when NeverConnected(e) => Base.StatusCode.ConnectFailed,
            _ => Base.StatusCode.ProtocolError,
        };
        return new Base.Status(code, $"{address}: {SocketFailure(e)?.Message ?? e.Status.Detail}");
    }

    /// <summary>The network's own reason, such as "Connection refused", below what gRPC makes of it.</summary>
    private static SocketException? SocketFailure(RpcException e)
    {
        for (var inner = e.Status.DebugException; inner is not null; inner = inner.InnerException)
        {
            if (inner is SocketException socket) return socket;
        }

        return null;
    }

    private static bool NeverConnected(RpcException e)
    {
        for (var inner = e.Status.DebugException; inner is not null; inner = inner.InnerException)
        {
            if (inner is HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError })
                return true;
            if (inner is SocketException { SocketErrorCode: SocketError.ConnectionRefused or SocketError.HostUnreachable or SocketError.TimedOut })
                return true;
        }

        return false;
    }
}
