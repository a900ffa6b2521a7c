namespace ThreeFs.Kv;

/// <summary>What <see cref="FaultyKvEngine"/> does to one read or commit.</summary>
public enum KvFault
{
    None,

    /// <summary>Commit only: TxConflict, not applied.</summary>
    Conflict,

    /// <summary>Read or commit: TxTooOld, not applied.</summary>
    TooOld,

    /// <summary>Read or commit: TxThrottled, not applied.</summary>
    Throttled,

    /// <summary>Commit only: applied, but the answer is TxMaybeCommitted.</summary>
    MaybeCommittedApplied,

    /// <summary>Commit only: not applied, and the answer is TxMaybeCommitted.</summary>
    MaybeCommittedLost,
}
