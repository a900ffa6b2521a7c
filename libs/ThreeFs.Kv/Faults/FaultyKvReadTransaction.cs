using ThreeFs.Base;

namespace ThreeFs.Kv;

/// <summary>Reads that may fail or take time first; see <see cref="FaultyKvEngine"/>.</summary>
internal class FaultyKvReadTransaction(IKvReadTransaction inner, FaultyKvEngine engine) : IKvReadTransaction
{
    public async ValueTask<Result<KvVersion>> GetReadVersionAsync(CancellationToken ct = default)
    {
        var status = await BeforeReadAsync(ct);
        return status.IsOk ? await inner.GetReadVersionAsync(ct) : status;
    }

    public ValueTask<Result<KvValue>> GetAsync(
        ReadOnlySpan<byte> key,
        bool snapshot = false,
        CancellationToken ct = default)
    {
        return Run(key.ToArray());

        async ValueTask<Result<KvValue>> Run(byte[] copy)
        {
            var status = await BeforeReadAsync(ct);
            return status.IsOk ? await inner.GetAsync(copy, snapshot, ct) : status;
        }
    }

    public ValueTask<Result<KvPage>> GetRangeAsync(
        ReadOnlySpan<byte> begin,
        ReadOnlySpan<byte> end,
        int limit = 0,
        bool reverse = false,
        bool snapshot = false,
        CancellationToken ct = default)
    {
        return Run(begin.ToArray(), end.ToArray());

        async ValueTask<Result<KvPage>> Run(byte[] from, byte[] to)
        {
            var status = await BeforeReadAsync(ct);
            return status.IsOk ? await inner.GetRangeAsync(from, to, limit, reverse, snapshot, ct) : status;
        }
    }

    public void Cancel() => inner.Cancel();

    public void Dispose() => inner.Dispose();

    private async ValueTask<Status> BeforeReadAsync(CancellationToken ct)
    {
        var (fault, delay) = engine.NextRead();
        try
        {
            await engine.DelayAsync(delay, ct);
        }
        catch (OperationCanceledException)
        {
            return new Status(StatusCode.Cancelled, "the caller gave up on the transaction");
        }

        return FaultyKvEngine.StatusOf(fault);
    }
}
