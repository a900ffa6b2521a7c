using Microsoft.Extensions.Logging;

namespace ThreeFs.Mgmtd.Server;

internal static partial class Log
{
    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "mgmtd {Node} of cluster {Cluster}: gRPC on {Host}:{GrpcPort}, HTTP on {Host}:{HttpPort}, "
            + "store {Kv}")]
    public static partial void Started(
        ILogger log, uint node, string cluster, string host, int grpcPort, int httpPort, string kv);

    [LoggerMessage(Level = LogLevel.Error, Message = "an operation broke")]
    public static partial void OperationBroke(ILogger log, Exception e);

    [LoggerMessage(Level = LogLevel.Critical, Message = "a background loop broke; the process ends")]
    public static partial void LoopBroke(ILogger log, Exception e);
}
