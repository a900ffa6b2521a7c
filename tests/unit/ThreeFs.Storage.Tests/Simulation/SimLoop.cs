using Microsoft.Extensions.Time.Testing;
using ThreeFs.Base;

namespace ThreeFs.Storage.Tests.Simulation;

/// <summary>
/// One thread for a whole cluster: lines of events, each in its own order, and a seed that draws the line whose turn it is. When all
/// are empty, virtual time advances. The same seed gives the same run.
/// </summary>
internal sealed class SimLoop(ulong seed)
{
    private readonly List<Line> _lines = [];

    public SeededRandom Random { get; } = new(seed);

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));

    /// <summary>Whose code is running.</summary>
    public object? Current { get; private set; }

    public long Steps { get; private set; }

    public double Seconds => (Time.GetUtcNow() - new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero)).TotalSeconds;

    public Line NewLine(object? owner)
    {
        var line = new Line(owner);
        _lines.Add(line);
        return line;
    }

    public void Remove(Line line) => _lines.Remove(line);

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
        var ready = 0;
        foreach (var line in _lines)
        {
            if (line.IsReady) ready++;
        }

        // An event takes ten microseconds of virtual time, waiting for nothing a millisecond.
        if (ready == 0 || Steps % 64 == 0) Time.Advance(TimeSpan.FromMicroseconds(ready == 0 ? 1000 : 640));
        if (ready == 0) return;
        var chosen = Random.Next(ready);
        foreach (var line in _lines)
        {
            if (!line.IsReady || chosen-- > 0) continue;
            Current = line.Owner;
            line.RunOne();
            Current = null;
            return;
        }
    }

    internal sealed class Line(object? owner)
    {
        private readonly Queue<Action> _events = new();

        public object? Owner { get; } = owner;

        /// <summary>Work that is not queued here: whether there is any, and how one piece of it is done.</summary>
        public (Func<bool> IsReady, Action RunOne)? Source { get; set; }

        public bool IsReady => _events.Count > 0 || Source?.IsReady() == true;

        public void Add(Action work) => _events.Enqueue(work);

        public void RunOne()
        {
            if (_events.Count > 0) _events.Dequeue()();
            else Source!.Value.RunOne();
        }

        public void Clear() => _events.Clear();
    }
}
