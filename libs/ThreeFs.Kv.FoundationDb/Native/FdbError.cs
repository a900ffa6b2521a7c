namespace ThreeFs.Kv.FoundationDb.Native;

/// <summary>
/// The codes of libfdb_c that somebody reacts to, by FoundationDB's names and numbers (its list of error codes). Any
/// other code may come and is passed on as its number.
/// </summary>
internal enum FdbError
{
    Success = 0,

    TimedOut = 1004,
    AllAlternativesFailed = 1006,
    TransactionTooOld = 1007,
    FutureVersion = 1009,
    NotCommitted = 1020,
    CommitUnknownResult = 1021,
    CommitUnknownResultFatal = 1022,
    TransactionCancelled = 1025,
    ConnectionFailed = 1026,
    CoordinatorsChanged = 1027,
    RequestMaybeDelivered = 1030,
    TransactionTimedOut = 1031,
    TooManyWatches = 1032,
    AccessedUnreadable = 1036,
    ProcessBehind = 1037,
    DatabaseLocked = 1038,
    ClusterVersionChanged = 1039,
    CommitProxyMemoryLimitExceeded = 1042,
    BatchTransactionThrottled = 1051,
    GrvProxyMemoryLimitExceeded = 1078,
    BrokenPromise = 1100,
    OperationCancelled = 1101,
    FutureReleased = 1102,
    TagThrottled = 1213,
    ProxyTagThrottled = 1223,

    FileNotReadable = 1513,
    NoClusterFileFound = 1515,

    ClientInvalidOperation = 2000,
    KeyOutsideLegalRange = 2004,
    InvertedRange = 2005,
    InvalidOptionValue = 2006,
    InvalidOption = 2007,
    NetworkAlreadySetup = 2009,
    ReadVersionAlreadySet = 2010,
    VersionInvalid = 2011,
    RangeLimitsInvalid = 2012,
    UsedDuringCommit = 2017,
    InvalidMutationType = 2018,
    NoCommitVersion = 2021,
    TransactionReadOnly = 2023,

    IncompatibleProtocolVersion = 2100,
    TransactionTooLarge = 2101,
    KeyTooLarge = 2102,
    ValueTooLarge = 2103,
    ConnectionStringInvalid = 2104,
    IncompatibleClient = 2125,

    ApiVersionAlreadySet = 2201,
    ApiVersionNotSupported = 2203,
    ExactModeWithoutLimits = 2210,

    UnknownError = 4000,
    InternalError = 4100,
}
