using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.Craq;

namespace ThreeFs.Storage;

internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Information, Message = "target {Target}: place is now {Place}")]
    public static partial void PlaceChanged(ILogger log, TargetId target, ChainPlace place);

    [LoggerMessage(Level = LogLevel.Information, Message = "target {Target} of chain {Chain}: {Old} → {New}")]
    public static partial void StandingChanged(ILogger log, TargetId target, VersionedChain chain, LocalTargetState old, LocalTargetState @new);

    [LoggerMessage(Level = LogLevel.Information, Message = "target {Target} of chain {Chain} steps down as it was asked to")]
    public static partial void StepsDown(ILogger log, TargetId target, VersionedChain chain);

    [LoggerMessage(Level = LogLevel.Error, Message = "target {Target} of chain {Chain} stops serving: {Reason}")]
    public static partial void TargetFailed(ILogger log, TargetId target, VersionedChain chain, Status reason);

    [LoggerMessage(Level = LogLevel.Critical,
        Message = "target {Target}, chunk {Chunk} version {Version}: length {Length} and checksum {Crc:x8} here, {Answer} at the successor")]
    public static partial void Diverged(ILogger log, TargetId target, ChunkId chunk, UpdateVersion version, uint length, uint crc, UpdateResult answer);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "target {Target}, chunk {Chunk}: version {Version} stays pending after {Attempts} attempts to forward it: {Code}")]
    public static partial void ForwardGivenUp(ILogger log, TargetId target, ChunkId chunk, UpdateVersion version, int attempts, StatusCode code);

    [LoggerMessage(Level = LogLevel.Information, Message = "target {Target} of chain {Chain} commits {Count} pending chunks as the last to know them")]
    public static partial void CommitsPending(ILogger log, TargetId target, VersionedChain chain, int count);

    [LoggerMessage(Level = LogLevel.Information, Message = "target {Target}, chunk {Chunk}: pending update resolved: {Code}")]
    public static partial void PendingResolved(ILogger log, TargetId target, ChunkId chunk, StatusCode code);

    [LoggerMessage(Level = LogLevel.Information, Message = "target {Target} of chain {Chain}: resync of target {Successor} begins")]
    public static partial void ResyncStarted(ILogger log, TargetId target, VersionedChain chain, TargetId successor);

    [LoggerMessage(Level = LogLevel.Information,
        Message = "target {Target} of chain {Chain}: target {Successor} has everything: {Compared} chunks compared, {Sent} sent, {Removed} removed, {Bytes} bytes, {Seconds:0.00} s")]
    public static partial void ResyncDone(
        ILogger log, TargetId target, VersionedChain chain, TargetId successor, long compared, long sent, long removed, long bytes, double seconds);

    [LoggerMessage(Level = LogLevel.Warning, Message = "target {Target} of chain {Chain}: resync of target {Successor} broken off: {Code}")]
    public static partial void ResyncFailed(ILogger log, TargetId target, VersionedChain chain, TargetId successor, StatusCode code);

    [LoggerMessage(Level = LogLevel.Error, Message = "target {Target}, chunk {Chunk}: stored bytes do not have their checksum")]
    public static partial void CorruptionFound(ILogger log, TargetId target, ChunkId chunk);

    [LoggerMessage(Level = LogLevel.Error, Message = "target {Target}, chunk {Chunk}: the disk cannot read it")]
    public static partial void Unreadable(ILogger log, TargetId target, ChunkId chunk);

    [LoggerMessage(Level = LogLevel.Information,
        Message = "target {Target}: scrubbed {Chunks} chunks, {Bytes} bytes, {Damaged} damaged, {Seconds:0.0} s")]
    public static partial void Scrubbed(ILogger log, TargetId target, long chunks, long bytes, long damaged, double seconds);

    [LoggerMessage(Level = LogLevel.Warning, Message = "target {Target} of chain {Chain} comes back: {Reason}")]
    public static partial void ComesBack(ILogger log, TargetId target, VersionedChain chain, string reason);

    [LoggerMessage(Level = LogLevel.Warning, Message = "target {Target}, chunk {Chunk}: repair from another replica: {Code}")]
    public static partial void Repaired(ILogger log, TargetId target, ChunkId chunk, StatusCode code);
}
