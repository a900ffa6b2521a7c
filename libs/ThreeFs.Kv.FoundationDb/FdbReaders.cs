using ThreeFs.Base;
using ThreeFs.Kv.FoundationDb.Binding;
using ThreeFs.Kv.FoundationDb.Native;

namespace ThreeFs.Kv.FoundationDb;

/// <summary>A read that was started: tells the observer how it ended.</summary>
internal readonly struct StartedRead(FdbKvEngine engine)
{
    private readonly long _started = engine.Time.GetTimestamp();

    public Status Done(FdbError error)
    {
        var status = FdbStatuses.OfRead(error);
        engine.Observer.ReadDone(status.Code, engine.Time.GetElapsedTime(_started));
        return status;
    }
}

internal readonly struct KvVersionReader(FdbKvEngine engine) : IFutureReader<Result<KvVersion>>
{
    private readonly StartedRead _read = new(engine);

    public Result<KvVersion> Read(ReadyFuture future)
    {
        var status = _read.Done(future.Error);
        return status.IsOk ? new KvVersion(future.Int64) : status;
    }
}

internal readonly struct KvValueReader(FdbKvEngine engine) : IFutureReader<Result<KvValue>>
{
    private readonly StartedRead _read = new(engine);

    public Result<KvValue> Read(ReadyFuture future)
    {
        var status = _read.Done(future.Error);
        if (!status.IsOk) return status;
        return new KvValue(future.TryGetValue(out var value) ? value.ToArray() : null);
    }
}

/// <summary>
/// Rows without the subspace's prefix; an answer full to its limit always says that there may be
/// more.
/// </summary>
internal readonly struct KvRowsReader(FdbKvEngine engine, int limit) : IFutureReader<Result<FdbRows>>
{
    private readonly StartedRead _read = new(engine);

    public Result<FdbRows> Read(ReadyFuture future)
    {
        var status = _read.Done(future.Error);
        if (!status.IsOk) return status;
        var prefix = engine.Subspace.Prefix.Length;
        var rows = future.GetRows(out var more);
        var copies = new KvRow[rows.Length];
        for (var i = 0; i < rows.Length; i++)
            copies[i] = new(rows[i].Key[prefix..].ToArray(), rows[i].Value.ToArray());
        return new FdbRows(copies, more || copies.Length == limit);
    }
}
