using Microsoft.Extensions.Logging;
using ThreeFs.Base;

namespace ThreeFs.Meta.Server;

/// <summary>Every log message of a metadata server.</summary>
internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Information, Message = "metadata server {Node} serves data on {Data}, gRPC on port {Grpc}, HTTP on port {Http}")]
    public static partial void Started(this ILogger log, NodeId node, string data, int grpc, int http);

    [LoggerMessage(Level = LogLevel.Information, Message = "metadata server {Node} stopped")]
    public static partial void Stopped(this ILogger log, NodeId node);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Job} failed and will be tried again: {Status}")]
    public static partial void JobFailed(this ILogger log, string job, Status status);

    [LoggerMessage(Level = LogLevel.Warning, Message = "chunks of {Failed} removed files could not be removed yet; they stay in the queue")]
    public static partial void GarbageFailed(this ILogger log, int failed);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Count} sessions of clients that are gone were ended")]
    public static partial void SessionsPruned(this ILogger log, int count);

    [LoggerMessage(Level = LogLevel.Information, Message = "locks of clients that are gone were given back on {Count} inodes")]
    public static partial void LocksPruned(this ILogger log, int count);

    [LoggerMessage(Level = LogLevel.Warning, Message = "store: {Text}")]
    public static partial void StoreNotice(this ILogger log, string text);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Text}")]
    public static partial void TransportNotice(this ILogger log, string text);

    [LoggerMessage(Level = LogLevel.Error, Message = "a request on connection {Connection} ended in an exception")]
    public static partial void HandlerFailed(this ILogger log, string connection, Exception exception);
}
