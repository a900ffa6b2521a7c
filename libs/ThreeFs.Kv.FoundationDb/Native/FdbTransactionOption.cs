namespace ThreeFs.Kv.FoundationDb.Native;

/// <summary>
/// Of one transaction, until it is reset unless stated otherwise. The numbers are those of fdb.options
/// of FoundationDB 7.3; hidden and deprecated ones are left out. The value of an option is nothing unless a comment
/// says which: text, bytes, or a number (64 bits, little-endian).
/// </summary>
internal enum FdbTransactionOption
{
    CausalWriteRisky = 10,
    CausalReadRisky = 20,
    CausalReadDisable = 21,
    NextWriteNoWriteConflictRange = 30,
    ReadYourWritesDisable = 51,
    ReadServerSideCacheEnable = 507,
    ReadServerSideCacheDisable = 508,
    ReadPriorityNormal = 509,
    ReadPriorityLow = 510,
    ReadPriorityHigh = 511,
    PrioritySystemImmediate = 200,
    PriorityBatch = 201,
    AccessSystemKeys = 301,
    ReadSystemKeys = 302,
    RawAccess = 303,
    BypassStorageQuota = 304,
    DebugTransactionIdentifier = 403, // text
    LogTransaction = 404,
    TransactionLoggingMaxFieldLength = 405, // number
    ServerRequestTracing = 406,
    Timeout = 500, // number, milliseconds
    RetryLimit = 501, // number
    MaxRetryDelay = 502, // number, milliseconds
    SizeLimit = 503, // number
    AutomaticIdempotency = 505,
    SnapshotReadYourWritesEnable = 600,
    SnapshotReadYourWritesDisable = 601,
    LockAware = 700,
    UsedDuringCommitProtectionDisable = 701,
    ReadLockAware = 702,
    ReportConflictingKeys = 712,
    SpecialKeySpaceRelaxed = 713,
    SpecialKeySpaceEnableWrites = 714,
    Tag = 800, // text
    AutoThrottleTag = 801, // text
    SpanParent = 900, // bytes
    ExpensiveClearCostEstimationEnable = 1000,
    BypassUnreadable = 1100,
    UseReadVersionCache = 1101,
    AuthorizationToken = 2000, // text
}
