using ThreeFs.Base;

namespace ThreeFs.Sim.World;

/// <summary>
/// One thread for a whole cluster: events in the order of virtual time, and what happens at the same time in the order it was
/// scheduled. Everything random comes from one seed, so the same seed gives the same run, event by event.
/// </summary>
/// <remarks>Time is counted in ticks of 100 ns from the start of the run.</remarks>
internal sealed class SimWorld
{
    /// <summary>How often a condition is looked at.</summary>
    private static readonly long _glance = TimeSpan.FromMilliseconds(5).Ticks;

    private readonly PriorityQueue<SimEvent, (long At, long Order)> _events = new();
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private long _order;
    private Exception? _failure;

    public SimWorld(ulong seed)
    {
        Seed = seed;
        Random = new SeededRandom(seed);
        Timeline = new Timeline(this);
    }

    public ulong Seed { get; }

    public SeededRandom Random { get; }

    /// <summary>Memory outside the managed heap that processes took; freed when the run is over, since the dead free nothing.</summary>
    public List<Action> Memory { get; } = [];

    public Timeline Timeline { get; }

    public long Now { get; private set; }

    public TimeSpan Elapsed => TimeSpan.FromTicks(Now);

    public long Events { get; private set; }

    /// <summary>Work at a time, for a process (which must still live then) or for nobody.</summary>
    public SimEvent At(long time, SimProcess? owner, Action<object?> work, object? state)
    {
        CheckThread();
        var scheduled = new SimEvent(owner, work, state);
        _events.Enqueue(scheduled, (Math.Max(time, Now), _order++));
        return scheduled;
    }

    public SimEvent After(TimeSpan delay, SimProcess? owner, Action<object?> work, object? state = null) =>
        At(Now + delay.Ticks, owner, work, state);

    /// <summary>What a process did not do while it was stopped, now and in the order it would have had.</summary>
    public void Resume(List<(SimEvent Event, long Order)> deferred)
    {
        foreach (var (happens, order) in deferred) _events.Enqueue(happens, (Now, order));
        deferred.Clear();
    }

    /// <summary>The run has failed: reported at the next step, on the loop.</summary>
    public void Fail(Exception reason) => _failure ??= reason;

    /// <summary>Runs until the time is over.</summary>
    public void RunFor(TimeSpan time)
    {
        var end = Now + time.Ticks;
        while (Now < end && Step(end))
        {
        }
    }

    /// <summary>Runs until the condition holds; false when the time is over before.</summary>
    public bool RunUntil(Func<bool> condition, TimeSpan atMost)
    {
        var end = Now + atMost.Ticks;
        while (!condition())
        {
            if (Now >= end) return false;
            RunFor(TimeSpan.FromTicks(Math.Min(_glance, end - Now)));
        }

        return true;
    }

    /// <summary>Runs until the task is done and answers its result.</summary>
    public T Run<T>(Task<T> task, TimeSpan atMost)
    {
        if (!RunUntil(() => task.IsCompleted, atMost)) throw new SimFailure($"an operation did not end in {atMost.TotalSeconds:0} s");
        return task.GetAwaiter().GetResult();
    }

    /// <summary>The next event not later than the end; without one, time goes to the end.</summary>
    private bool Step(long end)
    {
        if (_failure is not null) throw new SimFailure(_failure.Message, _failure);
        if (!_events.TryPeek(out var next, out var when) || when.At > end)
        {
            Now = end;
            return false;
        }

        _events.Dequeue();
        Now = when.At;
        if (next.IsCancelled || next.Owner is { IsDead: true }) return true;
        if (next.Owner is { IsStopped: true } owner)
        {
            owner.Deferred.Add((next, when.Order));
            return true;
        }

        Events++;
        Timeline.Count(next.Owner);
        next.Run();
        return true;
    }

    private void CheckThread()
    {
        if (Environment.CurrentManagedThreadId == _thread) return;
        var failure = new SimFailure("work left the simulation's thread: something used the thread pool\n" + Environment.StackTrace);
        Fail(failure);
        throw failure;
    }
}

/// <summary>Something to be done at a time.</summary>
internal sealed class SimEvent(SimProcess? owner, Action<object?> work, object? state)
{
    public SimProcess? Owner { get; } = owner;

    public bool IsCancelled { get; private set; }

    public void Cancel() => IsCancelled = true;

    public void Run()
    {
        if (Owner is null) work(state);
        else Owner.Enter(work, state);
    }
}

/// <summary>A promise of the system was broken, or the simulation itself.</summary>
internal sealed class SimFailure(string message, Exception? inner = null) : Exception(message, inner);
