using Microsoft.Extensions.Logging;
using ThreeFs.Base;

namespace ThreeFs.Storage.Server;

internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Information,
        Message = "storage node {Node} of cluster {Cluster}: chunks on {Host}:{DataPort}, metrics on {HttpPort}, {Targets} targets on {Disks} disks")]
    public static partial void Started(ILogger log, uint node, string cluster, string host, int dataPort, int httpPort, int targets, int disks);

    [LoggerMessage(Level = LogLevel.Information,
        Message = "target {Target} of chain {Chain} opened from {Directory}: {Chunks} chunks, closed cleanly: {Clean}, power lost: {LostPower}")]
    public static partial void TargetOpened(ILogger log, TargetId target, ChainId chain, string directory, int chunks, bool clean, bool lostPower);

    [LoggerMessage(Level = LogLevel.Error, Message = "target directory {Directory} is left out: {Reason}")]
    public static partial void TargetLeftOut(ILogger log, string directory, Status reason);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "target {Target} of chain {Chain} is known on this node and not open: its directory is left out, as said before, or on none of the data paths; if it is lost, make it anew")]
    public static partial void TargetMissing(ILogger log, TargetId target, ChainId chain);

    [LoggerMessage(Level = LogLevel.Information, Message = "target {Target} of chain {Chain} created in {Directory}")]
    public static partial void TargetCreated(ILogger log, TargetId target, ChainId chain, string directory);

    [LoggerMessage(Level = LogLevel.Information, Message = "target {Target}, once of chain {Chain}, is destroyed")]
    public static partial void TargetDestroyed(ILogger log, TargetId target, ChainId chain);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Path}: directories of destroyed targets are left: {Reason}")]
    public static partial void DiscardedLeft(ILogger log, string path, Status reason);

    [LoggerMessage(Level = LogLevel.Critical, Message = "the chunk engine of target {Target} refuses updates from now on: {Reason}")]
    public static partial void EngineFaulted(ILogger log, TargetId target, Status reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "disk {Path} is {State}: its targets leave service: {Reason}")]
    public static partial void DiskUnfit(ILogger log, string path, string state, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "disk {Path} works again: its targets come back")]
    public static partial void DiskFit(ILogger log, string path);

    [LoggerMessage(Level = LogLevel.Warning, Message = "mgmtd has not answered for longer than the lease: this node serves nobody until it does")]
    public static partial void LeaseLost(ILogger log);

    [LoggerMessage(Level = LogLevel.Information, Message = "mgmtd answers: this node may serve again")]
    public static partial void LeaseHeld(ILogger log);

    [LoggerMessage(Level = LogLevel.Warning, Message = "target {Target} was not closed cleanly: {InFlight} operations are still under way")]
    public static partial void NotQuiet(ILogger log, TargetId target, int inFlight);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Text}")]
    public static partial void TransportNotice(ILogger log, string text);

    [LoggerMessage(Level = LogLevel.Critical, Message = "{Loop} broke: this process ends")]
    public static partial void LoopBroke(ILogger log, string loop, Exception exception);

    [LoggerMessage(Level = LogLevel.Critical, Message = "maintenance of target {Target} broke")]
    public static partial void TickBroke(ILogger log, TargetId target, Exception exception);
}
