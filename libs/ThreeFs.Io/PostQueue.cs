namespace ThreeFs.Io;

/// <summary>
/// Work handed to a reactor: many threads add, one takes. Two arrays change places under a lock that is held for a few
/// instructions, so adding allocates nothing once the arrays have grown and a whole batch is taken at once.
/// </summary>
internal sealed class PostQueue
{
    private readonly Lock _lock = new();
    private PostedWork[] _incoming = new PostedWork[64];
    private PostedWork[] _running = new PostedWork[64];
    private int _count;
    private bool _closed;

    public bool IsEmpty => Volatile.Read(ref _count) == 0;

    /// <summary>False when the queue was closed: the work will not run.</summary>
    public bool TryAdd(Action<object?> action, object? state)
    {
        lock (_lock)
        {
            if (_closed) return false;
            if (_count == _incoming.Length) Array.Resize(ref _incoming, _count * 2);
            _incoming[_count] = new PostedWork(action, state);
            Volatile.Write(ref _count, _count + 1);
            return true;
        }
    }

    /// <summary>Runs what was there at the start; what it adds runs the next time.</summary>
    public void RunBatch()
    {
        if (IsEmpty) return;
        int count;
        lock (_lock)
        {
            (_incoming, _running) = (_running, _incoming);
            count = _count;
            Volatile.Write(ref _count, 0);
        }

        for (var i = 0; i < count; i++)
        {
            var work = _running[i];
            _running[i] = default;
            work.Action(work.State);
        }
    }

    public void Close()
    {
        lock (_lock) _closed = true;
    }
}

internal readonly record struct PostedWork(Action<object?> Action, object? State);
