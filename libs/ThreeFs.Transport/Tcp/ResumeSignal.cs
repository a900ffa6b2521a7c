using System.Threading.Tasks.Sources;

namespace ThreeFs.Transport.Tcp;

/// <summary>Lets a reader sleep until its sink has room again. One waiter, one thread, no allocation.</summary>
internal sealed class ResumeSignal : IValueTaskSource<int>
{
    /// <summary>The result of a wait: no error number and no count looks like it.</summary>
    public const int Resumed = int.MinValue;

    private ManualResetValueTaskSourceCore<int> _core;
    private bool _waiting;

    public ValueTask<int> WaitAsync()
    {
        _core.Reset();
        _waiting = true;
        return new ValueTask<int>(this, _core.Version);
    }

    public void Set()
    {
        if (!_waiting) return;
        _waiting = false;
        _core.SetResult(Resumed);
    }

    public int GetResult(short token) => _core.GetResult(token);

    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    public void OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _core.OnCompleted(continuation, state, token, flags);
}
