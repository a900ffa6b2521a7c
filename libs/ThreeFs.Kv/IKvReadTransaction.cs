using ThreeFs.Base;

namespace ThreeFs.Kv;

/// <summary>
/// Reads of one snapshot. Errors of every read: TxTooOld when the snapshot is older than <see cref="KvLimits.MaxAge"/>
/// or no longer kept, TxThrottled, TxUnreachable, Cancelled after <see cref="Cancel"/> or <see
/// cref="IDisposable.Dispose"/>, InvalidArgument for a bad key or an inverted range.
/// </summary>
public interface IKvReadTransaction : IDisposable
{
    /// <summary>The version of the snapshot; takes the snapshot if no read has yet.</summary>
    ValueTask<Result<KvVersion>> GetReadVersionAsync(CancellationToken ct = default);

    /// <summary>
    /// The value of <paramref name="key"/>, which the caller owns and may keep. A snapshot read does not join the
    /// read-conflict set. Both kinds see the transaction's own writes.
    /// </summary>
    ValueTask<Result<KvValue>> GetAsync(ReadOnlySpan<byte> key, bool snapshot = false, CancellationToken ct = default);

    /// <summary>
    /// Rows with <paramref name="begin"/> ≤ key &lt; <paramref name="end"/>, ascending or, with <paramref
    /// name="reverse"/>, descending from the end. At most <paramref name="limit"/> rows (0: the engine's page size),
    /// and never more than <see cref="KvLimits.MaxPageRows"/> rows or about <see cref="KvLimits.MaxPageBytes"/> bytes:
    /// honour <see cref="KvPage.More"/>. The read-conflict range covers what was returned, and the rest of the range
    /// only when there is no more.
    /// </summary>
    ValueTask<Result<KvPage>> GetRangeAsync(
        ReadOnlySpan<byte> begin,
        ReadOnlySpan<byte> end,
        int limit = 0,
        bool reverse = false,
        bool snapshot = false,
        CancellationToken ct = default);

    /// <summary>Every later call answers Cancelled. A commit that is under way may still be applied.</summary>
    void Cancel();
}
