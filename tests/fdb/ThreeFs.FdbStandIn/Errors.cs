using ThreeFs.Base;

namespace ThreeFs.FdbStandIn;

/// <summary>FoundationDB's codes that the stand-in answers, with the texts of its list of errors.</summary>
internal static class Errors
{
    public const int TransactionTooOld = 1007;
    public const int NotCommitted = 1020;
    public const int CommitUnknownResult = 1021;
    public const int TransactionCancelled = 1025;
    public const int TransactionTimedOut = 1031;
    public const int AccessedUnreadable = 1036;
    public const int DatabaseLocked = 1038;
    public const int ClusterVersionChanged = 1039;
    public const int OperationCancelled = 1101;
    public const int NoClusterFile = 1515;
    public const int ClientInvalidOperation = 2000;
    public const int KeyOutsideLegalRange = 2004;
    public const int InvertedRange = 2005;
    public const int NetworkNotSetup = 2008;
    public const int NetworkAlreadySetup = 2009;
    public const int FutureNotSet = 2015;
    public const int UsedDuringCommit = 2017;
    public const int InvalidMutationType = 2018;
    public const int NoCommitVersion = 2021;
    public const int TransactionTooLarge = 2101;
    public const int KeyTooLarge = 2102;
    public const int ValueTooLarge = 2103;
    public const int ApiVersionAlreadySet = 2201;
    public const int ApiVersionNotSupported = 2203;
    public const int ExactModeWithoutLimits = 2210;

    private static readonly Dictionary<int, string> _texts = new()
    {
        [0] = "Success",
        [TransactionTooOld] = "Transaction is too old to perform reads or be committed",
        [1009] = "Request for future version",
        [NotCommitted] = "Transaction not committed due to conflict with another transaction",
        [CommitUnknownResult] = "Transaction may or may not have committed",
        [TransactionCancelled] = "Operation aborted because the transaction was cancelled",
        [TransactionTimedOut] = "Operation aborted because the transaction timed out",
        [AccessedUnreadable] = "Read or wrote an unreadable key",
        [1037] = "Storage process does not have recent mutations",
        [DatabaseLocked] = "Database is locked",
        [ClusterVersionChanged] = "The protocol version of the cluster has changed",
        [1042] = "CommitProxy commit memory limit exceeded",
        [1051] = "Batch GRV request rate limit exceeded",
        [1078] = "GetReadVersion proxy memory limit exceeded",
        [OperationCancelled] = "Asynchronous operation cancelled",
        [1213] = "Transaction tag is being throttled",
        [1223] = "Exceeded maximum proxy tag throttling duration",
        [NoClusterFile] = "No cluster file found in current directory or default location",
        [ClientInvalidOperation] = "Invalid API call",
        [KeyOutsideLegalRange] = "Key outside legal range",
        [InvertedRange] = "Range begin key larger than end key",
        [NetworkNotSetup] = "Action not possible before the network is configured",
        [NetworkAlreadySetup] = "Network can be configured only once",
        [FutureNotSet] = "Future not ready",
        [UsedDuringCommit] = "Operation issued while a commit was outstanding",
        [InvalidMutationType] = "Unrecognized atomic mutation type",
        [NoCommitVersion] = "Transaction is read-only and therefore does not have a commit version",
        [TransactionTooLarge] = "Transaction exceeds byte limit",
        [KeyTooLarge] = "Key length exceeds limit",
        [ValueTooLarge] = "Value length exceeds limit",
        [ApiVersionAlreadySet] = "API version may be set only once",
        [ApiVersionNotSupported] = "API version not supported",
        [ExactModeWithoutLimits] = "EXACT streaming mode requires limits, but none were given",
    };

    public static string Text(int code) => _texts.GetValueOrDefault(code, "UNKNOWN_ERROR");

    public static bool IsMaybeCommitted(int code) => code is CommitUnknownResult or ClusterVersionChanged;

    public static bool IsRetryableNotCommitted(int code) => code is NotCommitted or TransactionTooOld or 1009
        or DatabaseLocked or 1078 or 1042 or 1051 or 1037 or 1213 or 1223;

    public static bool IsRetryable(int code) => IsMaybeCommitted(code) || IsRetryableNotCommitted(code);

    public static int Of(StatusCode code) => code switch
    {
        StatusCode.Ok => 0,
        StatusCode.TxConflict => NotCommitted,
        StatusCode.TxTooOld => TransactionTooOld,
        StatusCode.TxTooLarge => TransactionTooLarge,
        StatusCode.Cancelled => TransactionCancelled,

        // Bad keys and ranges were refused before the engine saw them: what is left are stamps that nobody knows yet.
        StatusCode.InvalidArgument => AccessedUnreadable,
        _ => throw Invariant.Unreachable("the in-memory engine answers nothing else"),
    };
}
