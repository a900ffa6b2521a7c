using System.Threading.Tasks.Sources;
using ThreeFs.Base;

namespace ThreeFs.Storage.Updates;

/// <summary>
/// One lock for each chunk that is being updated, first come first served. Owned by one thread, so it only orders what
/// interleaves at awaits. The line for one chunk is bounded. Allocates nothing once its pools have grown.
/// </summary>
internal sealed class ChunkLocks(int maxWaiting)
{
    private readonly Dictionary<ChunkId, Line> _lines = [];
    private readonly Stack<Line> _freeLines = new();
    private readonly Stack<Waiter> _freeWaiters = new();

    private int _marked;

    /// <summary>Chunks locked now.</summary>
    public int Held => _lines.Count;

    public bool IsHeld(ChunkId chunk) => _lines.ContainsKey(chunk);

    /// <summary>Some of the locks that were held at the last <see cref="Mark"/> still are, by whoever held them then.</summary>
    public bool HasMarked => _marked > 0;

    /// <summary>Marks every lock that is held now.</summary>
    public void Mark()
    {
        foreach (var line in _lines.Values) line.IsMarked = true;
        _marked = _lines.Count;
    }

    /// <summary>False: the line is full. Otherwise the caller has the lock and must release it.</summary>
    public ValueTask<bool> AcquireAsync(ChunkId chunk)
    {
        if (!_lines.TryGetValue(chunk, out var line))
        {
            if (!_freeLines.TryPop(out line)) line = new Line();
            _lines.Add(chunk, line);
            return new ValueTask<bool>(true);
        }

        if (line.Waiting.Count >= maxWaiting) return new ValueTask<bool>(false);
        if (!_freeWaiters.TryPop(out var waiter)) waiter = new Waiter(_freeWaiters);
        line.Waiting.Enqueue(waiter);
        return waiter.Task;
    }

    /// <summary>Hands the lock to the next in line, who continues inside this call.</summary>
    public void Release(ChunkId chunk)
    {
        var held = _lines.TryGetValue(chunk, out var line);
        Invariant.Check(held, "a chunk lock is released by its holder");
        if (line!.IsMarked) _marked--;
        line.IsMarked = false;
        if (line.Waiting.TryDequeue(out var next))
        {
            next.Grant();
            return;
        }

        _lines.Remove(chunk);
        _freeLines.Push(line);
    }

    private sealed class Line
    {
        public readonly Queue<Waiter> Waiting = new();
        public bool IsMarked;
    }

    private sealed class Waiter(Stack<Waiter> pool) : IValueTaskSource<bool>
    {
        private ManualResetValueTaskSourceCore<bool> _core;

        public ValueTask<bool> Task => new(this, _core.Version);

        public void Grant() => _core.SetResult(true);

        public bool GetResult(short token)
        {
            var result = _core.GetResult(token);
            _core.Reset();
            pool.Push(this);
            return result;
        }

        public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
            _core.OnCompleted(continuation, state, token, flags);
    }
}
