using ThreeFs.Base;
using ThreeFs.Base.Tasks;

namespace ThreeFs.Kv;

/// <summary>
/// Any engine with faults: conflicts, too-old, throttling, maybe-committed (applied or not) and delays on the injected
/// clock, as an <see cref="IKvFaults"/> decides. A faulty read answers its fault and leaves the transaction usable, as
/// FoundationDB does; a transaction that would commit nothing gets no commit faults, because it never talks to the
/// store.
/// </summary>
public sealed class FaultyKvEngine(IKvEngine inner, IKvFaults faults, TimeProvider time) : IKvEngine
{
    public IKvTransaction BeginTransaction() => new FaultyKvTransaction(inner.BeginTransaction(), this);

    public IKvReadTransaction BeginReadOnly() => new FaultyKvReadTransaction(inner.BeginReadOnly(), this);

    public ValueTask<Status> FlushAsync(CancellationToken ct = default) => inner.FlushAsync(ct);

    public ValueTask DisposeAsync() => inner.DisposeAsync();

    internal (KvFault Fault, TimeSpan Delay) NextRead()
    {
        lock (faults) return (faults.OnRead(), faults.Delay());
    }

    internal (KvFault Fault, TimeSpan Delay) NextCommit()
    {
        lock (faults) return (faults.OnCommit(), faults.Delay());
    }

    internal async ValueTask DelayAsync(TimeSpan delay, CancellationToken ct) => await time.PauseAsync(delay, ct);

    internal static Status StatusOf(KvFault fault) => fault switch
    {
        KvFault.None => Status.Ok,
        KvFault.Conflict => new Status(StatusCode.TxConflict, "injected"),
        KvFault.TooOld => new Status(StatusCode.TxTooOld, "injected"),
        KvFault.Throttled => new Status(StatusCode.TxThrottled, "injected"),
        _ => new Status(StatusCode.TxMaybeCommitted, "injected"),
    };
}
