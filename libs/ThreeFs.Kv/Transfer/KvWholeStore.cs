using ThreeFs.Base;

namespace ThreeFs.Kv.Transfer;

/// <summary>
/// A store that nobody else uses, as a whole: read in key order, filled, emptied. Every page is a transaction of its
/// own, so a store of any size fits; the price is that a change by someone else may be seen in part.
/// </summary>
public sealed class KvWholeStore(IKvEngine engine, TimeProvider time, SeededRandom random)
{
    private readonly KvRetry _retry = new(engine, time, random);

    public async ValueTask<Result<bool>> IsEmptyAsync(CancellationToken ct)
    {
        var page = await PageAsync([], 1, ct);
        return page.IsOk ? page.Value.Rows.Count == 0 : page.Status;
    }

    /// <summary>
    /// Hands every page to <paramref name="take"/>, ends early when that fails, and answers what was
    /// there.
    /// </summary>
    public async ValueTask<Result<KvDigest>> ScanAsync(
        Func<IReadOnlyList<KvRow>, KvDigest, ValueTask<Status>> take, CancellationToken ct)
    {
        var digest = default(KvDigest);
        for (byte[] begin = []; ;)
        {
            var read = await PageAsync(begin, 0, ct);
            if (!read.TryGet(out var page)) return read.Status;
            foreach (var row in page.Rows) digest = digest.With(row);
            var status = await take(page.Rows, digest);
            if (!status.IsOk) return status;
            if (!page.More) return digest;
            begin = page.Continuation;
        }
    }

    public ValueTask<Result<KvDigest>> DigestAsync(CancellationToken ct) =>
        ScanAsync(static (_, _) => new(Status.Ok), ct);

    /// <summary>Writes some rows, as many as a page has at most; safe only after <see cref="FlushAsync"/>.</summary>
    public ValueTask<Status> WriteAsync(IReadOnlyList<KvRow> rows, CancellationToken ct) => _retry.RunAsync(
        attempt =>
        {
            foreach (var row in rows) attempt.Transaction.Set(row.Key, row.Value);
            return new(Status.Ok);
        },
        KvDurability.Relaxed,
        ct);

    public ValueTask<Status> FlushAsync(CancellationToken ct) => engine.FlushAsync(ct);

    public ValueTask<Status> ClearAsync(CancellationToken ct = default) => _retry.RunAsync(
        attempt =>
        {
            attempt.Transaction.ClearRange([], KvKeys.End);
            return new(Status.Ok);
        },
        ct: ct);

    private ValueTask<Result<KvPage>> PageAsync(byte[] begin, int limit, CancellationToken ct) =>
        _retry.ReadAsync(transaction => transaction.GetRangeAsync(begin, KvKeys.End, limit, ct: ct), ct);
}
