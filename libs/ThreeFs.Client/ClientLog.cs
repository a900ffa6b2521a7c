using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Client;

internal static partial class ClientLog
{
    [LoggerMessage(Level = LogLevel.Warning,
        Message = "{Operation} of chunk {Chunk} on chain {Chain} given up after {Attempts} attempts: {Code}")]
    public static partial void GivenUp(ILogger log, string operation, ChunkId chunk, ChainId chain, int attempts,
        StatusCode code);

    [LoggerMessage(Level = LogLevel.Error,
        Message =
            "target {Target} delivered chunk {Chunk} of chain {Chain} with a wrong checksum; reading another replica")]
    public static partial void WrongChecksum(ILogger log, TargetId target, ChunkId chunk, VersionedChain chain);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "flush of {Chains} chains given up after {Attempts} attempts: {Status}")]
    public static partial void FlushGivenUp(ILogger log, int chains, int attempts, Status status);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "inode {Inode}: the background report of its length failed: {Status}")]
    public static partial void SyncFailed(ILogger log, InodeId inode, Status status);

    [LoggerMessage(Level = LogLevel.Error, Message = "a round of background reports ended in an exception; the next follows")]
    public static partial void RoundFailed(ILogger log, Exception exception);
}
