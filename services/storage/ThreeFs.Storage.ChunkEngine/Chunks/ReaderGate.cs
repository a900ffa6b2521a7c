using System.Threading.Tasks.Sources;
using ThreeFs.Base;

namespace ThreeFs.Storage.ChunkEngine.Chunks;

/// <summary>
/// Tells when every read that started before a moment is over. Readers enter and leave one of two counted phases; waiting turns to
/// the other phase and waits for the first one to empty. Readers never wait, and new ones do not prolong a wait.
/// </summary>
internal sealed class ReaderGate : IValueTaskSource
{
    private readonly int[] _active = new int[2];
    private int _phase;
    private ManualResetValueTaskSourceCore<bool> _drained;
    private bool _isAwaited;

    public int Enter()
    {
        _active[_phase]++;
        return _phase;
    }

    public void Exit(int ticket)
    {
        var left = --_active[ticket];
        Invariant.Check(left >= 0, "a reader leaves once");
        if (left != 0 || ticket == _phase || !_isAwaited) return;
        _isAwaited = false;
        _drained.SetResult(true);
    }

    /// <summary>Completes when all who entered before the call have left. One caller at a time, who awaits it at once.</summary>
    public ValueTask WaitAsync()
    {
        Invariant.Check(!_isAwaited && _active[1 - _phase] == 0, "one waits for readers at a time");
        _phase = 1 - _phase;
        if (_active[1 - _phase] == 0) return ValueTask.CompletedTask;
        _isAwaited = true;
        return new ValueTask(this, _drained.Version);
    }

    public void GetResult(short token)
    {
        _drained.GetResult(token);
        _drained.Reset();
    }

    public ValueTaskSourceStatus GetStatus(short token) => _drained.GetStatus(token);

    public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _drained.OnCompleted(continuation, state, token, flags);
}
