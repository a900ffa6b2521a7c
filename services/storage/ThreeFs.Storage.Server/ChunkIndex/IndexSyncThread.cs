using ThreeFs.Base;
using ThreeFs.Base.Tasks;

namespace ThreeFs.Storage.Server.ChunkIndex;

/// <summary>
/// Runs the index's blocking flush away from its owner's thread and answers there. All who ask while a flush runs share the
/// next one.
/// </summary>
internal sealed class IndexSyncThread : IDisposable
{
    private readonly Func<StatusCode> _sync;
    private readonly Action<Action<object?>, object?> _post;
    private readonly Thread _thread;
    private readonly Lock _lock = new();
    private readonly AutoResetEvent _wake = new(false);
    private readonly Stack<Round> _idle = new();
    private Round? _next;
    private bool _stopping;

    public IndexSyncThread(Func<StatusCode> sync, Action<Action<object?>, object?> post)
    {
        _sync = sync;
        _post = post;
        _thread = new Thread(Run) { IsBackground = true, Name = "index-sync" };
        _thread.Start();
    }

    public ValueTask<StatusCode> RequestAsync()
    {
        Round round;
        lock (_lock)
        {
            Invariant.Check(!_stopping, "the index is open");
            round = _next ??= _idle.TryPop(out var idle) ? idle : new Round(_idle);
        }

        _wake.Set();
        return round.Done.WaitAsync();
    }

    /// <summary>Ends the thread; nobody may be waiting.</summary>
    public void Dispose()
    {
        lock (_lock) _stopping = true;
        _wake.Set();
        _thread.Join();
        _wake.Dispose();
    }

    private void Run()
    {
        while (true)
        {
            Round? round;
            bool stopping;
            lock (_lock)
            {
                round = _next;
                _next = null;
                stopping = _stopping;
            }

            if (round is not null)
            {
                round.Result = _sync();
                _post(static state => ((Round)state!).Complete(), round);
            }
            else if (stopping)
            {
                return;
            }
            else
            {
                _wake.WaitOne();
            }
        }
    }

    /// <summary>One flush and all who wait for it. Those not in use are the owner's thread's.</summary>
    private sealed class Round(Stack<Round> home)
    {
        /// <summary>Touched by the owner's thread alone.</summary>
        public readonly SharedCompletion<StatusCode> Done = new();
        public StatusCode Result;

        public void Complete()
        {
            Done.SetResult(Result);
            Done.Reset();
            home.Push(this);
        }
    }
}
