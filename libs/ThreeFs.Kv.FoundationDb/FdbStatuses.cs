using ThreeFs.Base;
using ThreeFs.Kv.FoundationDb.Native;

namespace ThreeFs.Kv.FoundationDb;

/// <summary>
/// What FoundationDB's codes mean in the transaction contract. The one difference between a read and a commit: an error
/// that leaves open whether the commit was applied is TxMaybeCommitted there, and so is every error that nobody knows.
/// </summary>
internal static class FdbStatuses
{
    public static Status OfRead(FdbError error) => error switch
    {
        FdbError.Success => Status.Ok,
        FdbError.TransactionCancelled or FdbError.OperationCancelled or FdbError.FutureReleased =>
            new(StatusCode.Cancelled, "the transaction was cancelled, or the caller gave up on it"),
        _ => new(CodeOf(error), Explain(error)),
    };

    public static Status OfCommit(FdbError error)
    {
        if (error is FdbError.Success) return Status.Ok;
        var code = CodeOf(error);
        var isOpen = code is StatusCode.Internal
            || (code is StatusCode.TxUnreachable && error != FdbError.DatabaseLocked);
        return new(isOpen ? StatusCode.TxMaybeCommitted : code, Explain(error));
    }

    /// <summary>
    /// Internal is "not in the table". Of what is TxUnreachable here a commit may have been applied, but for a locked
    /// database.
    /// </summary>
    private static StatusCode CodeOf(FdbError error) => error switch
    {
        FdbError.NotCommitted => StatusCode.TxConflict,
        FdbError.TransactionTooOld => StatusCode.TxTooOld,

        FdbError.CommitUnknownResult or FdbError.CommitUnknownResultFatal => StatusCode.TxMaybeCommitted,

        FdbError.FutureVersion or FdbError.ProcessBehind or FdbError.TagThrottled or FdbError.ProxyTagThrottled
            or FdbError.BatchTransactionThrottled or FdbError.CommitProxyMemoryLimitExceeded
            or FdbError.GrvProxyMemoryLimitExceeded => StatusCode.TxThrottled,

        FdbError.TransactionTimedOut or FdbError.TimedOut or FdbError.AllAlternativesFailed
            or FdbError.ConnectionFailed or FdbError.CoordinatorsChanged or FdbError.RequestMaybeDelivered
            or FdbError.ClusterVersionChanged or FdbError.BrokenPromise or FdbError.DatabaseLocked
            or FdbError.IncompatibleProtocolVersion or FdbError.IncompatibleClient => StatusCode.TxUnreachable,

        FdbError.TransactionTooLarge or FdbError.KeyTooLarge or FdbError.ValueTooLarge => StatusCode.TxTooLarge,

        FdbError.AccessedUnreadable or FdbError.KeyOutsideLegalRange or FdbError.InvertedRange
            or FdbError.RangeLimitsInvalid or FdbError.InvalidMutationType or FdbError.TransactionReadOnly
            or FdbError.ClientInvalidOperation => StatusCode.InvalidArgument,

        _ => StatusCode.Internal,
    };

    private static string Explain(FdbError error) => error switch
    {
        FdbError.TransactionTimedOut =>
            $"FoundationDB did not answer in time: {FdbErrors.Describe(error)}; see `fdbcli --exec status`",
        FdbError.DatabaseLocked =>
            $"the FoundationDB database is locked, as a restore or a switch of sites does: {FdbErrors.Describe(error)}",
        FdbError.AccessedUnreadable =>
            $"the key depends on this commit's versionstamp and cannot be read before it: {FdbErrors.Describe(error)}",
        _ => $"FoundationDB: {FdbErrors.Describe(error)}",
    };
}
