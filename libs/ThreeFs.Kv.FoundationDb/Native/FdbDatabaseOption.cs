namespace ThreeFs.Kv.FoundationDb.Native;

/// <summary>
/// Of one database; those named Transaction… are the defaults of its transactions. The numbers are those of fdb.options
/// of FoundationDB 7.3; hidden and deprecated ones are left out. The value of an option is nothing unless a comment
/// says which: text, bytes, or a number (64 bits, little-endian).
/// </summary>
internal enum FdbDatabaseOption
{
    LocationCacheSize = 10, // number
    MaxWatches = 20, // number
    MachineId = 21, // text
    DatacenterId = 22, // text
    SnapshotReadYourWritesEnable = 26,
    SnapshotReadYourWritesDisable = 27,
    TransactionLoggingMaxFieldLength = 405, // number
    TransactionTimeout = 500, // number, milliseconds
    TransactionRetryLimit = 501, // number
    TransactionMaxRetryDelay = 502, // number, milliseconds
    TransactionSizeLimit = 503, // number
    TransactionCausalReadRisky = 504,
    TransactionAutomaticIdempotency = 506,
    TransactionBypassUnreadable = 700,
    TransactionUsedDuringCommitProtectionDisable = 701,
    TransactionReportConflictingKeys = 702,
    UseConfigDatabase = 800,
    TestCausalReadRisky = 900, // number
}
