using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading.Tasks.Sources;
using ThreeFs.Base.Tasks;
using ThreeFs.Kv.FoundationDb.Native;

namespace ThreeFs.Kv.FoundationDb.Binding;

/// <summary>
/// A future of the library as a <see cref="ValueTask{T}"/>, pooled: a call that waits allocates nothing in steady
/// state.
/// <para>
/// Life: <see cref="Await"/> → the library calls back, once, on its network thread → the await continues where it was
/// captured, or on the thread pool, never on the network thread → the answer is read there from the library's memory →
/// the future is destroyed, the object goes back to its pool. So only who awaits destroys, and only after the callback:
/// no call of the library can meet a future that is gone.
/// </para>
/// <para>
/// Cancellation asks the library to cancel, which completes the future with operation_cancelled like any other end.
/// The registration is disposed of, which waits for a cancellation that is under way, before the future is destroyed. A
/// task that nobody awaits leaves its future to the finalizer.
/// </para>
/// </summary>
internal sealed unsafe class FdbFuture<T, TReader> : FdbFuture, IValueTaskSource<T>
    where TReader : struct, IFutureReader<T>
{
    private static readonly BoundedPool<FdbFuture<T, TReader>> _pool = new(1024);

    private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };
    private TReader _reader;
    private CancellationTokenRegistration _registration;

    ~FdbFuture() => Destroy();

    /// <summary>Takes over a future just made; the task must be awaited once.</summary>
    public static ValueTask<T> Await(nint future, TReader reader, CancellationToken ct)
    {
        if (Fdb.FutureIsReady(future) != 0) return new(ReadNow(future, reader));
        var pending = _pool.TryTake() ?? new FdbFuture<T, TReader>();
        pending._reader = reader;
        var task = new ValueTask<T>(pending, pending._core.Version);
        pending.Listen(future);
        if (ct.CanBeCanceled)
            pending._registration = ct.UnsafeRegister(static future => ((FdbFuture)future!).Cancel(), pending);
        return task;
    }

    public T GetResult(short token)
    {
        // A wrong token throws here, before anything is given back.
        _core.GetResult(token);
        _registration.Dispose();
        _registration = default;
        try
        {
            return _reader.Read(new ReadyFuture(Handle));
        }
        finally
        {
            Destroy();
            _reader = default;
            _core.Reset();
            _pool.TryAdd(this);
        }
    }

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);

    protected override void Completed() => _core.SetResult(true);

    private static T ReadNow(nint future, TReader reader)
    {
        try
        {
            return reader.Read(new ReadyFuture(future));
        }
        finally
        {
            Fdb.FutureDestroy(future);
        }
    }
}

/// <summary>The part of a future that the library's callback knows.</summary>
internal abstract unsafe class FdbFuture
{
    protected nint Handle { get; private set; }

    /// <summary>Called once, on the network's thread or inside of <see cref="Listen"/>.</summary>
    protected abstract void Completed();

    /// <summary>Until the callback the library holds on to this object.</summary>
    protected void Listen(nint future)
    {
        Handle = future;
        var self = GCHandle.ToIntPtr(GCHandle.Alloc(this));
        var error = Fdb.FutureSetCallback(future, &OnReady, self);
        Base.Invariant.Check(error is FdbError.Success, "a callback can be set on a future just made");
    }

    internal void Cancel() => Fdb.FutureCancel(Handle);

    protected void Destroy()
    {
        if (Handle == 0) return;
        Fdb.FutureDestroy(Handle);
        Handle = 0;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void OnReady(nint future, nint state)
    {
        var handle = GCHandle.FromIntPtr(state);
        var self = (FdbFuture)handle.Target!;
        handle.Free();
        self.Completed();
    }
}
