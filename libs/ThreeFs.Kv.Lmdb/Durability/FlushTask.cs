using ThreeFs.Base;

namespace ThreeFs.Kv.Lmdb.Durability;

/// <summary>A caller of FlushAsync; continuations leave the flusher's thread.</summary>
internal sealed class FlushTask : IFlushWaiter
{
    private readonly TaskCompletionSource<Status> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<Status> Task => _done.Task;

    public void Flushed(Status status) => _done.SetResult(status);
}
