using ThreeFs.Base;

namespace ThreeFs.Storage.ChunkEngine.Simulation;

/// <summary>
/// Operations of simulated devices and indexes that are not complete yet. With <see cref="IsStepped"/> each waits until <see cref="Step"/>
/// draws it, in an order of the seed's choosing; otherwise everything completes at once. One operation in eight is slow: it
/// waits until the others are through, or chance has mercy.
/// </summary>
public sealed class SimulatedWork(SeededRandom random, bool isStepped)
{
    private readonly List<Operation> _waiting = [];

    public bool IsStepped { get; } = isStepped;

    public int Waiting => _waiting.Count;

    /// <summary>Called for each operation that begins to wait.</summary>
    public Action? Added { get; set; }

    /// <summary>Completes one waiting operation; false when there is none.</summary>
    public bool Step()
    {
        if (_waiting.Count == 0) return false;
        var index = random.Next(_waiting.Count);
        for (var tries = 0; tries < 16 && _waiting[index].IsSlow; tries++) index = random.Next(_waiting.Count);
        var operation = _waiting[index];
        _waiting[index] = _waiting[^1];
        _waiting.RemoveAt(_waiting.Count - 1);
        operation.Done.SetResult(operation.Effect());
        return true;
    }

    /// <summary>The process died: what waits neither happens nor completes, but for what <paramref name="onLost"/> makes of it.</summary>
    internal void Abandon(Action<object?> onLost)
    {
        foreach (var operation in _waiting) onLost(operation.State);
        _waiting.Clear();
    }

    internal ValueTask<StatusCode> RunAsync(Func<StatusCode> effect, object? state = null)
    {
        if (!IsStepped) return ValueTask.FromResult(effect());
        var operation = new Operation(effect, state, new TaskCompletionSource<StatusCode>(), random.NextBool(0.125));
        _waiting.Add(operation);
        Added?.Invoke();
        return new ValueTask<StatusCode>(operation.Done.Task);
    }

    private sealed record Operation(Func<StatusCode> Effect, object? State, TaskCompletionSource<StatusCode> Done, bool IsSlow);
}
