using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Mgmtd;

internal static partial class MgmtdLog
{
    [LoggerMessage(Level = LogLevel.Information, Message = "primary in term {Term}: {Nodes} nodes, {Chains} chains")]
    public static partial void TermBegun(ILogger log, uint term, int nodes, int chains);

    [LoggerMessage(Level = LogLevel.Warning, Message = "no longer primary (term {Term})")]
    public static partial void TermEnded(ILogger log, uint term);

    [LoggerMessage(Level = LogLevel.Error, Message = "cannot begin term {Term}: {Status}")]
    public static partial void TermFailed(ILogger log, uint term, Status status);

    [LoggerMessage(Level = LogLevel.Error, Message = "cannot reach the store for the primary's lease: {Status}")]
    public static partial void LeaseFailed(ILogger log, Status status);

    [LoggerMessage(Level = LogLevel.Error, Message = "term {Term} ends, because a commit failed: {Status}")]
    public static partial void CommitFailed(ILogger log, uint term, Status status);

    [LoggerMessage(Level = LogLevel.Information, Message = "chain {Chain} version {Version}: {Moves}")]
    public static partial void ChainChanged(ILogger log, uint chain, uint version, string moves);

    [LoggerMessage(Level = LogLevel.Warning, Message = "chain update failed: {Status}")]
    public static partial void ChainUpdateFailed(ILogger log, Status status);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "node {Node} ({Kind}) is connected, process {ProcessId} on {HostName}")]
    public static partial void NodeConnected(ILogger log, uint node, NodeKind kind, int processId, string hostName);

    [LoggerMessage(Level = LogLevel.Warning, Message = "node {Node} ({Kind}) failed: silent for {Silence}")]
    public static partial void NodeFailed(ILogger log, uint node, NodeKind kind, TimeSpan silence);

    [LoggerMessage(Level = LogLevel.Warning, Message = "node {Node}: restarted, its targets have to prove themselves")]
    public static partial void NodeRestarted(ILogger log, uint node);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "node {Node} reports target {Target}, which lives on node {Owner}; ignored")]
    public static partial void TargetClaimed(ILogger log, uint node, ulong target, uint owner);

    [LoggerMessage(Level = LogLevel.Information, Message = "node {Node} reports target {Target}, which is in no chain")]
    public static partial void OrphanSeen(ILogger log, uint node, ulong target);

    [LoggerMessage(Level = LogLevel.Information, Message = "client {Client} on {HostName}: session over")]
    public static partial void SessionOver(ILogger log, ClientId client, string hostName);
}
