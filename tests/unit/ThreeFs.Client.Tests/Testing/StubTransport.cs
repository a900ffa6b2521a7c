using System.Threading.Tasks.Sources;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Transport;

namespace ThreeFs.Client.Tests.Testing;

/// <summary>A transport whose connects a test completes by hand.</summary>
internal sealed class StubTransport : ITransport
{
    public string Scheme => Endpoint.InProcScheme;

    public List<TaskCompletionSource<Result<IConnection>>> Attempts { get; } = [];

    /// <summary>Connections are made at once.</summary>
    public StubConnection? Ready { get; set; }

    public ValueTask<Result<IConnection>> ConnectAsync(Endpoint endpoint, CancellationToken ct = default)
    {
        if (Ready is not null) return new(Result<IConnection>.Of(Ready));
        var attempt = new TaskCompletionSource<Result<IConnection>>();
        ct.Register(() => attempt.TrySetResult(StatusCode.Cancelled));
        Attempts.Add(attempt);
        return new(attempt.Task);
    }

    public Result<IListener> Listen(Endpoint endpoint, IServerHandler handler) => StatusCode.NotImplemented;

    public StubConnection Succeed()
    {
        var connection = new StubConnection();
        Attempts[^1].SetResult(Result<IConnection>.Of(connection));
        return connection;
    }

    public void Fail() => Attempts[^1].SetResult(StatusCode.ConnectFailed);
}

/// <summary>
/// A connection that answers when told to, without allocating: requests in flight are slots, each its own source of one
/// task.
/// </summary>
internal sealed class StubConnection : IConnection
{
    private readonly List<Action<Status>> _observers = [];
    private readonly Slot[] _slots = [.. Enumerable.Range(0, 64).Select(_ => new Slot())];

    public delegate int Answer(ushort method, ReadOnlySpan<byte> header, IoSlices receive, byte[] responseHeader,
        out int payload);

    public Endpoint Remote => Endpoint.InProc("stub");
    public bool IsBroken { get; private set; }
    public Status CloseReason => IsBroken ? StatusCode.ConnectionLost : Status.Ok;
    public bool IsDisposed { get; private set; }
    public int InFlight { get; private set; }

    public ILocalFiles? LocalFiles { get; set; }

    /// <summary>Instead of its answer, for the call that <see cref="OnCall"/> looks at.</summary>
    public StatusCode? Refusal { get; set; }

    /// <summary>Writes the response's header; answers its length.</summary>
    public Answer? OnCall { get; set; }

    public ValueTask<CallResult> CallAsync(in Call call, CancellationToken ct = default)
    {
        if (ct.IsCancellationRequested) return new(new CallResult(StatusCode.Cancelled));
        var slot = _slots[0];
        for (var i = 0; !slot.IsFree; i++) slot = _slots[i];
        InFlight++;
        (slot.IsFree, slot.IsWaiting) = (false, true);
        var length = OnCall!(call.Method, call.Header, call.ReceivePayload, slot.Header, out var payload);
        slot.Result = Refusal is { } refusal
            ? new CallResult(refusal)
            : new CallResult(Status.Ok, slot.Header.AsMemory(0, length), payload);
        Refusal = null;
        return slot.Task;
    }

    /// <summary>Answers everything that is in flight.</summary>
    public void Complete()
    {
        // Calls that are made meanwhile wait for the next time.
        foreach (var slot in _slots) slot.IsDue = slot.IsWaiting;
        foreach (var slot in _slots)
        {
            if (!slot.IsDue) continue;
            InFlight--;
            slot.Complete();
        }
    }

    public void OnClosed(Action<Status> observer) => _observers.Add(observer);

    public void Break()
    {
        IsBroken = true;
        foreach (var observer in _observers) observer(StatusCode.ConnectionLost);
    }

    public ValueTask DisposeAsync()
    {
        IsDisposed = true;
        return default;
    }

    private sealed class Slot : IValueTaskSource<CallResult>
    {
        private ManualResetValueTaskSourceCore<CallResult> _core;

        public bool IsFree { get; set; } = true;
        public bool IsWaiting { get; set; }
        public bool IsDue { get; set; }
        public byte[] Header { get; } = new byte[8192];
        public CallResult Result { get; set; }
        public ValueTask<CallResult> Task => new(this, _core.Version);

        public void Complete()
        {
            IsWaiting = false;
            _core.SetResult(Result);
        }

        public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token,
            ValueTaskSourceOnCompletedFlags flags) =>
            _core.OnCompleted(continuation, state, token, flags);

        public CallResult GetResult(short token)
        {
            var result = _core.GetResult(token);
            _core.Reset();
            IsFree = true;
            return result;
        }
    }
}
