using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Kv;

namespace ThreeFs.Meta.Transactions;

/// <summary>An operation that reads one snapshot.</summary>
internal interface IQuery<T>
{
    ValueTask<Result<T>> RunAsync(MetaTransaction tx);
}

/// <summary>An operation that changes records; without effects outside its transaction, since it may run several times.</summary>
internal interface IMutation
{
    ValueTask<Result<Outcome>> RunAsync(MetaTransaction tx);
}

/// <summary>
/// Runs operations as serializable transactions with retry, and mutations exactly once for each request identity and step (see
/// <see cref="RequestLog"/>).
/// </summary>
internal sealed class TransactionRunner(KvRetry retry, TimeProvider time, KvDurability durability, IMetaObserver? observer = null)
{
    public FileTime Now => FileTime.From(time.GetUtcNow());

    public ValueTask<Result<T>> ReadAsync<T>(MetaContext context, IQuery<T> query, CancellationToken ct) =>
        retry.ReadAsync(kv => query.RunAsync(new MetaTransaction(kv, null, context, Now)), ct);

    public ValueTask<Result<Outcome>> WriteAsync(MetaContext context, IMutation mutation, CancellationToken ct, byte step = 0) =>
        retry.RunAsync(attempt => RunOnceAsync(attempt.Transaction, context, mutation, step), durability, ct);

    /// <summary>A change by this service itself, idempotent by nature.</summary>
    public ValueTask<Result<T>> MaintainAsync<T>(
        MetaContext context, Func<MetaTransaction, ValueTask<Result<T>>> body, CancellationToken ct, KvDurability? asSafeAs = null) =>
        retry.RunAsync(
            attempt => body(new MetaTransaction(attempt.Transaction, attempt.Transaction, context, Now)), asSafeAs ?? durability, ct);

    /// <summary>The outcome of an earlier attempt of this request, if it got through.</summary>
    public ValueTask<Result<Outcome?>> FindAsync(MetaContext context, CancellationToken ct, byte step = 0) =>
        retry.ReadAsync(kv => RequestLog.FindAsync(kv, context, step, Now), ct);

    private async ValueTask<Result<Outcome>> RunOnceAsync(IKvTransaction kv, MetaContext context, IMutation mutation, byte step)
    {
        var tx = new MetaTransaction(kv, kv, context, Now);
        var earlier = await RequestLog.FindAsync(kv, context, step, tx.Now);
        if (!earlier.IsOk) return earlier.Status;
        if (earlier.Value is { } done)
        {
            observer?.MutationRepeated();
            return done;
        }

        var result = await mutation.RunAsync(tx);
        if (result.TryGet(out var outcome)) RequestLog.Put(kv, context, step, tx.Now, outcome);
        return result;
    }
}
