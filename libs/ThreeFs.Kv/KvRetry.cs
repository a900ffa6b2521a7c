using ThreeFs.Base;
using ThreeFs.Base.Tasks;

namespace ThreeFs.Kv;

/// <summary>
/// Runs a transaction until it commits or cannot: bounded repeats with exponential, jittered back-off on the injected
/// clock. The body reads and writes through the attempt's transaction and returns its result; Ok is then committed, a
/// failure is not. Transaction failures (of the body or the commit, <see cref="StatusCodes.IsRetryableTransaction"/>)
/// repeat the body with a fresh transaction, so it must have no effects outside of the transaction. Every other failure
/// goes to the caller as it is. When the repeats are used up the last failure is returned. Thread-safe.
/// </summary>
public sealed class KvRetry(IKvEngine engine, TimeProvider time, SeededRandom random, KvRetryOptions? options = null)
{
    private readonly KvRetryOptions _options = options ?? KvRetryOptions.Default;

    public IKvEngine Engine { get; } = engine;

    public async ValueTask<Result<T>> RunAsync<T>(
        Func<KvAttempt, ValueTask<Result<T>>> body,
        KvDurability durability = KvDurability.Durable,
        CancellationToken ct = default)
    {
        var mayHaveCommitted = false;
        for (var attempt = 0; ; attempt++)
        {
            if (ct.IsCancellationRequested)
                return new Status(StatusCode.Cancelled, "the caller gave up on the transaction");
            Status failure;
            using (var transaction = Engine.BeginTransaction())
            {
                var result = await body(new KvAttempt(transaction, attempt, mayHaveCommitted));
                failure = result.IsOk ? await transaction.CommitAsync(durability, ct) : result.Status;
                if (failure.IsOk) return result;
            }

            mayHaveCommitted |= failure.Code == StatusCode.TxMaybeCommitted;
            if (!MayRepeat(failure.Code, attempt)) return failure;
            await PauseAsync(attempt, failure.Code, ct);
        }
    }

    /// <summary>
    /// Runs a body that only reads, on one snapshot per attempt: nothing is tracked or committed. TxTooOld repeats it
    /// on a newer snapshot.
    /// </summary>
    public async ValueTask<Result<T>> ReadAsync<T>(
        Func<IKvReadTransaction, ValueTask<Result<T>>> body,
        CancellationToken ct = default)
    {
        for (var attempt = 0; ; attempt++)
        {
            if (ct.IsCancellationRequested)
                return new Status(StatusCode.Cancelled, "the caller gave up on the transaction");
            Result<T> result;
            using (var transaction = Engine.BeginReadOnly()) result = await body(transaction);
            if (result.IsOk || !MayRepeat(result.Code, attempt)) return result;
            await PauseAsync(attempt, result.Code, ct);
        }
    }

    /// <summary>The same for a body that returns no value.</summary>
    public async ValueTask<Status> RunAsync(
        Func<KvAttempt, ValueTask<Status>> body,
        KvDurability durability = KvDurability.Durable,
        CancellationToken ct = default)
    {
        var result = await RunAsync<bool>(
            async attempt =>
            {
                var status = await body(attempt);
                return status.IsOk ? true : status;
            },
            durability,
            ct);
        return result.Status;
    }

    private bool MayRepeat(StatusCode code, int attempt) =>
        attempt < _options.MaxRetries
        && code.IsRetryableTransaction()
        && (code != StatusCode.TxMaybeCommitted || _options.RetryMaybeCommitted);

    private async ValueTask PauseAsync(int attempt, StatusCode code, CancellationToken ct)
    {
        var pause = PauseBefore(attempt, code);

        // When given up, the loop answers Cancelled.
        await time.PauseAsync(pause, ct);
    }

    /// <summary>10, 20, 40 … ms up to the maximum, times 0.8 to 1.2 so that competitors drift apart.</summary>
    internal TimeSpan PauseBefore(int attempt, StatusCode code)
    {
        if (code == StatusCode.TxConflict)
        {
            if (attempt < _options.ImmediateConflictRetries) return TimeSpan.Zero;
            attempt -= _options.ImmediateConflictRetries;
        }

        double jitter;
        lock (random) jitter = 0.8 + random.NextDouble() * 0.4;
        var pause = _options.MinBackoff * Math.Pow(2, Math.Min(attempt, 30));
        return (pause < _options.MaxBackoff ? pause : _options.MaxBackoff) * jitter;
    }
}
