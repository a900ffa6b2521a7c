using ThreeFs.Base;

namespace ThreeFs.Transport.InProc;

/// <summary>
/// The transport without a network, for tests and simulation: the same contract, no thread, no clock of its own. Every
/// step (a request arrives, an answer arrives, a deadline, an end) is one piece of work on the schedule handed in,
/// first in first out; without one, steps run inline, one at a time and in order, on the thread that caused the first
/// of them.
/// </summary>
/// <remarks>
/// One instance is one network: endpoints of different instances do not see each other. With one thread, a seeded
/// schedule and a virtual clock, the same calls give the same run.
/// </remarks>
public sealed class InProcTransport : ITransport
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, InProcListener> _listeners = [];
    private long _nextConnection;

    /// <param name="time">Deadlines follow it.</param>
    /// <param name="options">Bounds; the defaults are those of a real network.</param>
    /// <param name="schedule">Runs a step later, in order; null runs steps inline.</param>
    public InProcTransport(
        TimeProvider time, InProcOptions? options = null, Action<Action<object?>, object?>? schedule = null)
    {
        Time = time;
        Options = options ?? new InProcOptions();
        Schedule = schedule ?? new InlineSchedule().Add;
    }

    public string Scheme => Endpoint.InProcScheme;

    internal TimeProvider Time { get; }

    internal InProcOptions Options { get; }

    internal Action<Action<object?>, object?> Schedule { get; }

    public ValueTask<Result<IConnection>> ConnectAsync(Endpoint endpoint, CancellationToken ct = default) => new(Connect(endpoint, ct));

    private Result<IConnection> Connect(Endpoint endpoint, CancellationToken ct)
    {
        if (endpoint.Scheme != Scheme) return new Status(StatusCode.InvalidArgument, $"{endpoint} is not an in-process address");
        if (ct.IsCancellationRequested) return new Status(StatusCode.Cancelled, $"connect to {endpoint}");
        InProcListener? listener;
        lock (_lock) listener = _listeners.GetValueOrDefault(endpoint.Host);
        if (listener is null || !listener.TryAdmit(Interlocked.Increment(ref _nextConnection), out var connection))
            return new Status(StatusCode.ConnectFailed, $"connect to {endpoint}: nobody listens");
        return connection;
    }

    public Result<IListener> Listen(Endpoint endpoint, IServerHandler handler)
    {
        if (endpoint.Scheme != Scheme || endpoint.Host.Length == 0)
            return new Status(StatusCode.InvalidArgument, $"{endpoint} is not an in-process address");
        var listener = new InProcListener(this, endpoint, handler);
        lock (_lock)
        {
            if (!_listeners.TryAdd(endpoint.Host, listener))
                return new Status(StatusCode.Busy, $"listen on {endpoint}: already in use");
        }

        return listener;
    }

    internal void Remove(InProcListener listener)
    {
        lock (_lock)
        {
            if (_listeners.GetValueOrDefault(listener.Endpoint.Host) == listener) _listeners.Remove(listener.Endpoint.Host);
        }
    }
}

/// <summary>Bounds of an <see cref="InProcTransport"/>.</summary>
public sealed class InProcOptions
{
    /// <summary>Calls in flight on one connection; more are refused.</summary>
    public int MaxInFlight { get; init; } = 1024;

    /// <summary>For calls that state none.</summary>
    public TimeSpan DefaultTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Told of exceptions that a handler let escape.</summary>
    public Action<ServerConnection, Exception>? HandlerFailed { get; init; }
}
