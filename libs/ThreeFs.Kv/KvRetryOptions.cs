namespace ThreeFs.Kv;

/// <summary>How <see cref="KvRetry"/> repeats a transaction.</summary>
public sealed record KvRetryOptions
{
    public static KvRetryOptions Default { get; } = new();

    /// <summary>Repeats after the first attempt.</summary>
    public int MaxRetries { get; init; } = 10;

    public TimeSpan MinBackoff { get; init; } = TimeSpan.FromMilliseconds(10);

    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Conflicts this early in the sequence repeat at once: with optimistic transactions the winner is already done.
    /// </summary>
    public int ImmediateConflictRetries { get; init; } = 2;

    /// <summary>False: TxMaybeCommitted is returned to the caller instead of repeated.</summary>
    public bool RetryMaybeCommitted { get; init; } = true;
}
