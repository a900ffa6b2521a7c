namespace ThreeFs.Base;

/// <summary>How callers react to a <see cref="StatusCode"/>: the single place where codes are classified.</summary>
public static class StatusCodes
{
    /// <summary>Running the same transaction again may succeed.</summary>
    public static bool IsRetryableTransaction(this StatusCode code) => code is
        StatusCode.TxConflict or StatusCode.TxTooOld or StatusCode.TxMaybeCommitted or StatusCode.TxThrottled
        or StatusCode.TxUnreachable;

    /// <summary>The peer may be gone; another server of the same kind may answer.</summary>
    public static bool IsServerFailure(this StatusCode code) => code is
        StatusCode.ConnectFailed or StatusCode.ConnectionLost or StatusCode.DeadlineExceeded or StatusCode.ProtocolError
        or StatusCode.Unavailable or StatusCode.TxUnreachable;

    /// <summary>The request was certainly not executed.</summary>
    public static bool IsCertainlyNotExecuted(this StatusCode code) => code is
        StatusCode.ConnectFailed or StatusCode.Unavailable or StatusCode.Overloaded or StatusCode.ChainVersionMismatch
        or StatusCode.NotPrimary or StatusCode.InvalidArgument;

    /// <summary>A storage client tries again: the cluster heals from these by itself.</summary>
    public static bool IsRetryableStorage(this StatusCode code) => code.IsServerFailure() || code is
        StatusCode.ChainVersionMismatch or StatusCode.TargetNotFound or StatusCode.TargetNotServing or StatusCode.NotHead
        or StatusCode.ChunkNotCommitted or StatusCode.UpdateInProgress or StatusCode.ForwardFailed
        or StatusCode.NoServingTarget or StatusCode.RoutingNotReady or StatusCode.Overloaded or StatusCode.UpdateMissing
        or StatusCode.UpdateStale or StatusCode.ChainNotFound;

    /// <summary>A metadata client tries again, possibly at another server.</summary>
    public static bool IsRetryableMeta(this StatusCode code) =>
        code.IsServerFailure() || code.IsRetryableTransaction() || code is StatusCode.Overloaded or StatusCode.RoutingNotReady;
}
