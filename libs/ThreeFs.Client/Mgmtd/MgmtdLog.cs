using Microsoft.Extensions.Logging;
using ThreeFs.Base;

namespace ThreeFs.Client.Mgmtd;

internal static partial class MgmtdLog
{
    [LoggerMessage(Level = LogLevel.Warning, Message = "cannot refresh routing (have version {Version}): {Status}")]
    public static partial void RoutingRefreshFailed(ILogger log, ulong version, Status status);

    [LoggerMessage(Level = LogLevel.Warning, Message = "node {Node}: heartbeat failed: {Status}")]
    public static partial void HeartbeatFailed(ILogger log, uint node, Status status);

    [LoggerMessage(Level = LogLevel.Information, Message = "node {Node}: heartbeat accepted after {Failures} failures")]
    public static partial void HeartbeatRecovered(ILogger log, uint node, int failures);

    [LoggerMessage(Level = LogLevel.Warning, Message = "client {Client}: session not extended: {Status}")]
    public static partial void SessionFailed(ILogger log, ClientId client, Status status);
}
