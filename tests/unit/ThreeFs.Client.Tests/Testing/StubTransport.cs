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

    /// <summary>Writes the response's header; answers its length.</summary>
    public Answer? OnCall { get; set; }

    public ValueTask<CallResult> CallAsync(in Call call, CancellationToken ct = default)
    {
        var slot = _slots[InFlight++];
        var length = OnCall!(call.Method, call.Header, call.ReceivePayload, slot.Header, out var payload);
        slot.Result = new CallResult(Status.Ok, slot.Header.AsMemory(0, length), payload);
        return slot.Task;
    }

    /// <summary>Answers everything that is in flight.</summary>
    public void Complete()
    {
        var count = InFlight;
        InFlight = 0;
        for (var i = 0; i < count; i++) _slots[i].Complete();
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

        public byte[] Header { get; } = new byte[8192];
        public CallResult Result { get; set; }
        public ValueTask<CallResult> Task => new(this, _core.Version);

        public void Complete() => _core.SetResult(Result);
        public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

        public void OnCompleted(Action<object?> continuation, object? state, short token,
            ValueTaskSourceOnCompletedFlags flags) =>
            _core.OnCompleted(continuation, state, token, flags);

        public CallResult GetResult(short token)
        {
            var result = _core.GetResult(token);
            _core.Reset();
            return result;
        }
    }
}
