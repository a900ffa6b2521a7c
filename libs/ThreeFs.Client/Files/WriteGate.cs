using ThreeFs.Base;

namespace ThreeFs.Client.Files;

/// <summary>
/// Lets many writes pass at the same time, or one truncation alone: a truncation waits for the writes under way, later
/// writes wait for it. Passing a free gate completes at once and allocates nothing. Who is let in continues inline.
/// </summary>
internal sealed class WriteGate
{
    private readonly Lock _lock = new();
    private readonly Queue<(TaskCompletionSource Waiter, bool Alone)> _waiting = new();
    private int _inside;
    private bool _alone;

    public ValueTask EnterAsync() => EnterAsync(alone: false);

    public ValueTask EnterAloneAsync() => EnterAsync(alone: true);

    public void Exit()
    {
        List<TaskCompletionSource>? admitted = null;
        lock (_lock)
        {
            Invariant.Check(_inside > 0, "who leaves a gate has passed it");
            _inside--;
            _alone = false;
            while (_waiting.TryPeek(out var next) && CanPass(next.Alone))
            {
                _waiting.Dequeue();
                Pass(next.Alone);
                (admitted ??= []).Add(next.Waiter);
            }
        }

        if (admitted is null) return;
        foreach (var waiter in admitted) waiter.SetResult();
    }

    private ValueTask EnterAsync(bool alone)
    {
        lock (_lock)
        {
            if (_waiting.Count == 0 && CanPass(alone))
            {
                Pass(alone);
                return default;
            }

            var waiter = new TaskCompletionSource();
            _waiting.Enqueue((waiter, alone));
            return new ValueTask(waiter.Task);
        }
    }

    private bool CanPass(bool alone) => alone ? _inside == 0 : !_alone;

    private void Pass(bool alone)
    {
        _inside++;
        _alone = alone;
    }
}
