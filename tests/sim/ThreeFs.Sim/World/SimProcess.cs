using ThreeFs.Base;
using ThreeFs.Storage.Threading;

namespace ThreeFs.Sim.World;

/// <summary>
/// One life of one process: everything that runs in it, from its start to its death. It is the synchronization context of its own
/// code, so that every await comes back to it, and nothing comes back once it is dead.
/// </summary>
internal sealed class SimProcess : SynchronizationContext, IExecutor
{
    private readonly SimWorld _world;
    private long _lastPost;

    public SimProcess(SimWorld world, SimHost host, string name, ProcessClock? clock = null)
    {
        (_world, Host, Name) = (world, host, name);
        Time = clock ?? new ProcessClock(world);
        Time.Owner = this;
        Random = world.Random.Fork();
    }

    public SimHost Host { get; }

    public string Name { get; }

    public bool IsDead { get; private set; }

    /// <summary>Nothing of it runs until it continues.</summary>
    public bool IsStopped { get; private set; }

    /// <summary>What waits for that.</summary>
    public List<(SimEvent Event, long Order)> Deferred { get; } = [];

    public ProcessClock Time { get; }

    public SeededRandom Random { get; }

    public bool IsCurrent => ReferenceEquals(Current, this);

    /// <summary>Called when the process dies.</summary>
    public event Action? Died;

    /// <summary>Runs work as this process, now.</summary>
    public void Enter(Action<object?> work, object? state)
    {
        if (IsDead) return;
        var before = Current;
        SetSynchronizationContext(this);
        try
        {
            work(state);
        }
        catch (Exception e)
        {
            // An escaped exception ends a real process, and no defect of ours is part of any test.
            _world.Fail(new SimFailure($"{Name} broke: {e}", e));
        }
        finally
        {
            SetSynchronizationContext(before);
        }
    }

    /// <summary>Starts an asynchronous activity of this process; its exceptions fail the run.</summary>
    public void Start(Func<Task> activity) => Enter(_ => _ = GuardAsync(activity), null);

    /// <summary>The same with a result for the world to wait for.</summary>
    public Task<T> Start<T>(Func<Task<T>> activity)
    {
        var result = Task.FromCanceled<T>(new CancellationToken(true));
        Enter(_ => result = activity(), null);
        return result;
    }

    public override void Post(SendOrPostCallback d, object? state) => Post(new Action<object?>(d.Invoke), state);

    public void Post(Action<object?> work, object? state)
    {
        if (IsDead) return;

        // A moment later, so that processes interleave; in order, as a queue is.
        _lastPost = Math.Max(_lastPost, _world.Now + _world.Random.Next(30));
        _world.At(_lastPost, this, work, state);
    }

    public override void Send(SendOrPostCallback d, object? state) => throw new NotSupportedException("nobody blocks in a simulation");

    public override SynchronizationContext CreateCopy() => this;

    /// <summary>As SIGSTOP does; timers and messages wait until it continues.</summary>
    public void Stop() => IsStopped = true;

    public void Continue()
    {
        IsStopped = false;
        _world.Resume(Deferred);
    }

    public void Die()
    {
        if (IsDead) return;
        IsDead = true;
        Died?.Invoke();
    }

    public override string ToString() => Name;

    private async Task GuardAsync(Func<Task> activity)
    {
        try
        {
            await activity();
        }
        catch (Exception e)
        {
            _world.Fail(new SimFailure($"{Name} broke: {e}", e));
        }
    }
}

/// <summary>A machine: what can be cut off, and what its processes find again when they start.</summary>
internal sealed record SimHost(string Name);
