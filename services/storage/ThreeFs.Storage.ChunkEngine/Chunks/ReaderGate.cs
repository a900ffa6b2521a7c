using ThreeFs.Base;

namespace ThreeFs.Storage.ChunkEngine.Chunks;

/// <summary>
/// Tells when every read that started before a moment is over. Readers enter and leave one of two counted phases; waiting turns to
/// the other phase and waits for the first one to empty. Readers never wait, and new ones do not prolong a wait.
/// </summary>
internal sealed class ReaderGate
{
    private readonly int[] _active = new int[2];
    private int _phase;
    private TaskCompletionSource? _drained;

    public int Enter()
    {
        _active[_phase]++;
        return _phase;
    }

    public void Exit(int ticket)
    {
        var left = --_active[ticket];
        Invariant.Check(left >= 0, "a reader leaves once");
        if (left != 0 || ticket == _phase || _drained is null) return;
        var drained = _drained;
        _drained = null;
        drained.SetResult();
    }

    /// <summary>Completes when all who entered before the call have left. One caller at a time.</summary>
    public Task WaitAsync()
    {
        Invariant.Check(_drained is null && _active[1 - _phase] == 0, "one waits for readers at a time");
        _phase = 1 - _phase;
        if (_active[1 - _phase] == 0) return Task.CompletedTask;
        _drained = new TaskCompletionSource();
        return _drained.Task;
    }
}
