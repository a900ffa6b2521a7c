using Microsoft.Extensions.Time.Testing;
using ThreeFs.Base;

namespace ThreeFs.Storage.Tests.Simulation;

/// <summary>
/// One thread for a whole cluster: lines of events, each in its own order, and a seed that draws the line whose turn it is. When all
/// are empty, virtual time advances. The same seed gives the same run.
/// </summary>
internal sealed class SimLoop(ulong seed)
{
    private readonly List<Line> _ready = [];
    private readonly List<Source> _sources = [];

    public SeededRandom Random { get; } = new(seed);

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    /// <summary>Whose code is running.</summary>
    public object? Current { get; private set; }

    public long Steps { get; private set; }

    public double Seconds => (Time.GetUtcNow() - new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero)).TotalSeconds;

    public Line NewLine(object? owner) => new(this, owner);

    /// <summary>A line whose events wait elsewhere: whether there are any, and how one of them is done.</summary>
    public Source NewSource(object? owner, Func<bool> isReady, Action runOne)
    {
        var source = new Source(owner, isReady, runOne);
        _sources.Add(source);
        return source;
    }

    public void Remove(Source source) => _sources.Remove(source);

    /// <summary>Runs until the virtual time is reached.</summary>
    public void RunFor(double seconds)
    {
        var end = Seconds + seconds;
        while (Seconds < end) Step();
    }

    /// <summary>Runs until the condition holds; false when the time is over before.</summary>
    public bool RunUntil(Func<bool> condition, double seconds)
    {
        var end = Seconds + seconds;
        while (!condition())
        {
            if (Seconds >= end) return false;
            Step();
        }

        return true;
    }

    private void Step()
    {
        Steps++;
        var ready = _ready.Count;
        foreach (var source in _sources)
        {
            if (source.IsReady()) ready++;
        }

        // An event takes ten microseconds of virtual time, waiting for nothing a millisecond.
        if (ready == 0 || Steps % 64 == 0) Time.Advance(TimeSpan.FromMicroseconds(ready == 0 ? 1000 : 640));
        if (ready == 0) return;
        RunOne(Random.Next(ready));
        Current = null;
    }

    private void RunOne(int chosen)
    {
        if (chosen < _ready.Count)
        {
            Current = _ready[chosen].Owner;
            _ready[chosen].RunOne();
            return;
        }

        chosen -= _ready.Count;
        foreach (var source in _sources)
        {
            if (!source.IsReady() || chosen-- > 0) continue;
            Current = source.Owner;
            source.RunOne();
            return;
        }
    }

    internal sealed record Source(object? Owner, Func<bool> IsReady, Action RunOne);

    /// <summary>Events in their order. Only lines with an event are in the loop's list, where each knows its place.</summary>
    internal sealed class Line(SimLoop loop, object? owner)
    {
        private readonly Queue<Action> _events = new();
        private int _place = -1;
        private bool _isClosed;

        public object? Owner { get; } = owner;

        public void Add(Action work)
        {
            if (_isClosed) return;
            _events.Enqueue(work);
            if (_place >= 0) return;
            _place = loop._ready.Count;
            loop._ready.Add(this);
        }

        public void RunOne()
        {
            var work = _events.Dequeue();
            if (_events.Count == 0) Leave();
            work();
        }

        public void Clear()
        {
            _events.Clear();
            Leave();
        }

        /// <summary>Nothing of it ever runs again.</summary>
        public void Close()
        {
            _isClosed = true;
            Clear();
        }

        private void Leave()
        {
            if (_place < 0) return;
            var last = loop._ready[^1];
            loop._ready[_place] = last;
            last._place = _place;
            loop._ready.RemoveAt(loop._ready.Count - 1);
            _place = -1;
        }
    }
}
