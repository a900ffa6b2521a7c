namespace ThreeFs.Base;

/// <summary>
/// The one registry of result codes. A code exists only if somebody reacts to it; the number is on the wire and never reused.
/// The ranges say who answers; <see cref="StatusCodes"/> says how to react.
/// </summary>
public enum StatusCode : ushort
{
    Ok = 0,

    // Any part: 1–999.
    /// <summary>The request is malformed or breaks a documented limit. Nothing was changed.</summary>
    InvalidArgument = 1,
    /// <summary>This build does not know the operation.</summary>
    NotImplemented = 2,
    /// <summary>Stored bytes do not make sense. An operator has to look.</summary>
    Corruption = 3,
    /// <summary>The caller gave up or is shutting down.</summary>
    Cancelled = 4,
    /// <summary>A bound of memory, queue or concurrency is reached; try again later.</summary>
    Overloaded = 5,
    /// <summary>The process is starting or stopping.</summary>
    Unavailable = 6,
    /// <summary>A device or file answered with an error.</summary>
    IoError = 7,
    /// <summary>A record or message was written by a newer version.</summary>
    UnknownFormatVersion = 8,
    /// <summary>The request belongs to another cluster.</summary>
    ClusterMismatch = 9,
    /// <summary>A defect of this program that it noticed and survived.</summary>
    Internal = 10,

    // Key-value transactions: 1000–1999.
    /// <summary>A key read by the transaction was written by another one since. Run it again.</summary>
    TxConflict = 1000,
    /// <summary>The read version is older than the engine keeps. Run it again.</summary>
    TxTooOld = 1001,
    /// <summary>The transaction may or may not have been applied. Run it again if it is idempotent.</summary>
    TxMaybeCommitted = 1002,
    /// <summary>The engine asks to slow down.</summary>
    TxThrottled = 1003,
    /// <summary>The engine cannot be reached.</summary>
    TxUnreachable = 1004,
    /// <summary>Transaction, key or value exceeds the engine's limit. Never retried.</summary>
    TxTooLarge = 1005,

    // Transport: 2000–2999.
    /// <summary>No connection could be made; the peer certainly did not see the request.</summary>
    ConnectFailed = 2000,
    /// <summary>The connection broke; the peer may have executed the request.</summary>
    ConnectionLost = 2001,
    /// <summary>No answer within the deadline; the peer may have executed the request.</summary>
    DeadlineExceeded = 2002,
    /// <summary>The peer sent bytes that are not our protocol.</summary>
    ProtocolError = 2003,

    // Metadata: 3000–3999; each maps to one errno.
    NotFound = 3000,
    AlreadyExists = 3001,
    NotDirectory = 3002,
    IsDirectory = 3003,
    NotEmpty = 3004,
    TooManySymlinks = 3005,
    AccessDenied = 3006,
    /// <summary>Only the owner or a privileged user may do this (EPERM).</summary>
    NotPermitted = 3007,
    NameTooLong = 3008,
    TooManyLinks = 3009,
    /// <summary>The file would exceed the largest size (EFBIG).</summary>
    FileTooLarge = 3010,
    /// <summary>The handle or session is not known (any more).</summary>
    StaleHandle = 3011,
    CrossDevice = 3012,
    NotASymlink = 3013,
    /// <summary>The layout asks for chains or sizes that do not exist.</summary>
    InvalidLayout = 3014,
    ReadOnlyFileSystem = 3015,
    NoSuchAttribute = 3016,
    /// <summary>The object is in use in a way that forbids the operation (EBUSY).</summary>
    Busy = 3017,
    NotSupported = 3018,
    /// <summary>More work of the same kind is left; call again.</summary>
    MoreToDo = 3019,
    /// <summary>The inode carries as many locks as it may (ENOLCK).</summary>
    TooManyLocks = 3020,

    // Storage: 4000–4999.
    ChunkNotFound = 4000,
    /// <summary>The chunk has an update in flight and the reader did not allow uncommitted data. Try again at once.</summary>
    ChunkNotCommitted = 4001,
    /// <summary>The update's version is already committed here.</summary>
    UpdateAlreadyCommitted = 4002,
    /// <summary>The update's version is older than the pending one.</summary>
    UpdateStale = 4003,
    /// <summary>An update before this one is missing here.</summary>
    UpdateMissing = 4004,
    /// <summary>The request's chain version is not the one this target knows. Refresh routing and try again.</summary>
    ChainVersionMismatch = 4005,
    /// <summary>This node holds no target of the chain.</summary>
    TargetNotFound = 4006,
    /// <summary>The target exists and does not serve (offline, syncing, or fenced).</summary>
    TargetNotServing = 4007,
    /// <summary>An update reached a target that is not the chain's head.</summary>
    NotHead = 4008,
    ChecksumMismatch = 4009,
    /// <summary>No space for a new chunk (ENOSPC).</summary>
    NoSpace = 4010,
    /// <summary>The channel's sequence number is older than the newest seen.</summary>
    ChannelSequenceStale = 4011,
    /// <summary>Another update of the same channel or chunk is still running here. Try again.</summary>
    UpdateInProgress = 4012,
    /// <summary>The successor could not be reached or did not answer; the update is pending.</summary>
    ForwardFailed = 4013,
    /// <summary>Directory or disk is not the one the target was created on.</summary>
    ForeignDisk = 4014,
    ChunkSizeMismatch = 4015,
    /// <summary>A later truncation of the file has been here: this one must not take anything away any more.</summary>
    CutOvertaken = 4016,

    // Cluster manager: 5000–5999.
    /// <summary>This mgmtd is not the primary; the message is the primary's address if known.</summary>
    NotPrimary = 5000,
    NodeNotFound = 5001,
    NodeExists = 5002,
    NodeDisabled = 5003,
    HeartbeatStale = 5004,
    ChainNotFound = 5005,
    ChainTableNotFound = 5006,
    TargetExists = 5007,
    /// <summary>The caller holds a newer version than the server: it talks to another or an older cluster.</summary>
    VersionFromFuture = 5008,
    /// <summary>The chain has no target that may serve this.</summary>
    NoServingTarget = 5009,
    /// <summary>No routing information has been received yet.</summary>
    RoutingNotReady = 5010,
    /// <summary>
    /// A later process of the node is known and has fallen silent: whoever lives and is refused claims a later start.
    /// </summary>
    HeartbeatOutlived = 5011,
}
