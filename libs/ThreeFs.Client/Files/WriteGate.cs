using ThreeFs.Base;

namespace ThreeFs.Client.Files;

/// <summary>
/// Lets many writes pass at the same time, or one truncation alone: a truncation waits for the writes under way, later
/// writes wait for it. Passing a free gate completes at once and allocates nothing. Who is let in continues inline; who
/// gives up, inside the call that cancels, and no longer holds up those behind.
/// </summary>
internal sealed class WriteGate
{
    private readonly Lock _lock = new();
    private readonly LinkedList<Waiter> _waiting = new();
    private int _inside;
    private bool _alone;

    /// <summary>True: the caller is inside and leaves with <see cref="Exit"/>. False: it gave up waiting.</summary>
    public ValueTask<bool> EnterAsync(CancellationToken ct) => EnterAsync(alone: false, ct);

    public ValueTask<bool> EnterAloneAsync(CancellationToken ct) => EnterAsync(alone: true, ct);

    public void Exit()
    {
        List<Waiter>? admitted;
        lock (_lock)
        {
            Invariant.Check(_inside > 0, "who leaves a gate has passed it");
            _inside--;
            _alone = false;
            admitted = Admit();
        }

        Continue(admitted);
    }

    private ValueTask<bool> EnterAsync(bool alone, CancellationToken ct)
    {
        Waiter waiter;
        lock (_lock)
        {
            if (ct.IsCancellationRequested) return new(false);
            if (_waiting.Count == 0 && CanPass(alone))
            {
                Pass(alone);
                return new(true);
            }

            waiter = new Waiter(alone);
            _waiting.AddLast(waiter);
        }

        return ct.CanBeCanceled ? WaitAsync(waiter, ct) : new(waiter.Result.Task);
    }

    private async ValueTask<bool> WaitAsync(Waiter waiter, CancellationToken ct)
    {
        using var givesUp = ct.UnsafeRegister(_ => GiveUp(waiter), null);
        return await waiter.Result.Task;
    }

    private void GiveUp(Waiter waiter)
    {
        List<Waiter>? admitted;
        lock (_lock)
        {
            if (!_waiting.Remove(waiter)) return;
            admitted = Admit();
        }

        waiter.Result.SetResult(false);
        Continue(admitted);
    }

    private List<Waiter>? Admit()
    {
        List<Waiter>? admitted = null;
        while (_waiting.First is { Value: var next } && CanPass(next.Alone))
        {
            _waiting.RemoveFirst();
            Pass(next.Alone);
            (admitted ??= []).Add(next);
        }

        return admitted;
    }

    private static void Continue(List<Waiter>? admitted)
    {
        if (admitted is null) return;
        foreach (var waiter in admitted) waiter.Result.SetResult(true);
    }

    private bool CanPass(bool alone) => alone ? _inside == 0 : !_alone;

    private void Pass(bool alone)
    {
        _inside++;
        _alone = alone;
    }

    private sealed class Waiter(bool alone)
    {
        public bool Alone { get; } = alone;
        public TaskCompletionSource<bool> Result { get; } = new();
    }
}
