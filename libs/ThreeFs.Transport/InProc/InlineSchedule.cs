namespace ThreeFs.Transport.InProc;

/// <summary>
/// Runs steps one at a time, in order, on the thread that added one while none was running. A step that adds another
/// does not run it inside itself, so the stack stays flat. Thread-safe.
/// </summary>
internal sealed class InlineSchedule
{
    private readonly Lock _lock = new();
    private readonly Queue<(Action<object?> Action, object? State)> _steps = new();
    private bool _running;

    public void Add(Action<object?> action, object? state)
    {
        lock (_lock)
        {
            _steps.Enqueue((action, state));
            if (_running) return;
            _running = true;
        }

        Run();
    }

    private void Run()
    {
        while (true)
        {
            Action<object?> action;
            object? state;
            lock (_lock)
            {
                if (!_steps.TryDequeue(out var step))
                {
                    _running = false;
                    return;
                }

                (action, state) = step;
            }

            action(state);
        }
    }
}
