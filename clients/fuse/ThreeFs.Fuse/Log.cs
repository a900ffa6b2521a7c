using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Fuse.Protocol;

namespace ThreeFs.Fuse;

internal static partial class Log
{
    [LoggerMessage(Level = LogLevel.Information,
        Message = "mounted at {MountPoint}: FUSE {Major}.{Minor}, features {Flags}, {Threads} threads")]
    public static partial void Mounted(ILogger log, string mountPoint, uint major, uint minor, FuseInitFlags flags,
        int threads);

    [LoggerMessage(Level = LogLevel.Information, Message = "{MountPoint} is no longer mounted")]
    public static partial void Unmounted(ILogger log, string mountPoint);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "{MountPoint} is busy: taken out of the tree, what still uses it gets errors")]
    public static partial void UnmountForced(ILogger log, string mountPoint);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "{MountPoint} was left behind by a process that has died; it is unmounted first")]
    public static partial void StaleMountRemoved(ILogger log, string mountPoint);

    [LoggerMessage(Level = LogLevel.Error,
        Message = "{Opcode} of node {Node} failed inside the mount, answered with EIO")]
    public static partial void HandlerFailed(ILogger log, Exception error, FuseOpcode opcode, ulong node);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "{Opcode} of node {Node} was given up after {Seconds} s (operation_timeout_ms), answered with EIO")]
    public static partial void Expired(ILogger log, FuseOpcode opcode, ulong node, double seconds);

    [LoggerMessage(Level = LogLevel.Error, Message = "the reply to {Opcode} of node {Node} was refused: {Error}")]
    public static partial void ReplyFailed(ILogger log, FuseOpcode opcode, ulong node, Errno error);

    [LoggerMessage(Level = LogLevel.Error,
        Message = "a message of {Length} bytes from /dev/fuse makes no sense, ignored")]
    public static partial void BadMessage(ILogger log, int length);

    [LoggerMessage(Level = LogLevel.Error, Message = "reading /dev/fuse failed: {Error}; the mount ends")]
    public static partial void DeviceFailed(ILogger log, Errno error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Opcode} of node {Node} answered EIO: {Status}")]
    public static partial void OperationFailed(ILogger log, FuseOpcode opcode, ulong node, Status status);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "closing inode {Inode} could not be reported: {Status}; its session is ended later")]
    public static partial void CloseFailed(ILogger log, InodeId inode, Status status);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "the length of inode {Inode} could not be reported: {Status}; tried again")]
    public static partial void ReportFailed(ILogger log, InodeId inode, Status status);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Count} sessions could not be ended: {Status}; tried again")]
    public static partial void EndingSessionsFailed(ILogger log, int count, Status status);

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "locks on inode {Inode} could not be given back: {Status}; tried again")]
    public static partial void UnlockFailed(ILogger log, InodeId inode, Status status);

    [LoggerMessage(Level = LogLevel.Error, Message = "a round of housekeeping failed")]
    public static partial void HousekeepingFailed(ILogger log, Exception error);

    [LoggerMessage(Level = LogLevel.Critical,
        Message = "a removal by user {Uid} was refused, because not all it names lies on this mount: {CommandLine}")]
    public static partial void RemovalRefused(ILogger log, uint uid, string commandLine);

    [LoggerMessage(Level = LogLevel.Error, Message = "ring {Ring} of user {Uid} is broken and is served no more: {Why}")]
    public static partial void RingBroken(ILogger log, string ring, uint uid, string why);

    [LoggerMessage(Level = LogLevel.Error, Message = "a job of ring {Ring} failed")]
    public static partial void RingJobFailed(ILogger log, Exception exception, string ring);

    [LoggerMessage(Level = LogLevel.Information, Message = "{Text}")]
    public static partial void TransportNotice(ILogger log, string text);
}
