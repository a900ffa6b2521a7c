using System.Collections.Concurrent;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Transport;

namespace ThreeFs.Io.Tests.Transport;

/// <summary>What the contract suite's server can do, by method.</summary>
internal static class Methods
{
    /// <summary>Answers with the request's header and payload.</summary>
    public const ushort Echo = 1;

    /// <summary>Answers when the test says so: <see cref="EchoHandler.Held"/>.</summary>
    public const ushort Hold = 2;

    /// <summary>Refuses the payload.</summary>
    public const ushort Refuse = 3;

    /// <summary>Answers with a status and a message.</summary>
    public const ushort Fail = 4;

    /// <summary>Throws.</summary>
    public const ushort Throw = 5;

    /// <summary>Echoes, completing on the thread pool.</summary>
    public const ushort EchoElsewhere = 6;

    /// <summary>Answers with as many zero bytes as the caller can take.</summary>
    public const ushort Fill = 7;
}

/// <summary>The server of the contract suite; counts what it sees and holds what it is told to hold.</summary>
internal sealed class EchoHandler(BufferPool pool) : IServerHandler
{
    private int _handled;

    public int Handled => Volatile.Read(ref _handled);

    public ConcurrentQueue<TaskCompletionSource> Held { get; } = new();

    public ConcurrentQueue<ServerConnection> Opened { get; } = new();

    public ConcurrentQueue<(ServerConnection Connection, Status Reason)> Closed { get; } = new();

    public Action? HeldOne { get; set; }

    public Status Accept(ServerRequest request)
    {
        if (request.Method == Methods.Refuse) return new Status(StatusCode.NoSpace, "no room for this");
        var lease = pool.TryRent(request.PayloadLength);
        if (lease is null) return StatusCode.Overloaded;
        request.ReceiveInto(lease.Memory, lease);
        return Status.Ok;
    }

    public ValueTask<Reply> HandleAsync(ServerRequest request)
    {
        Interlocked.Increment(ref _handled);
        return request.Method switch
        {
            Methods.Echo => new ValueTask<Reply>(EchoOf(request)),
            Methods.Hold => HoldAsync(request),
            Methods.Fail => new ValueTask<Reply>(new Status(StatusCode.ChunkNotFound, "chunk 7 is not here")),
            Methods.Throw => throw new InvalidOperationException("a defect"),
            Methods.EchoElsewhere => ElsewhereAsync(request),
            Methods.Fill => new ValueTask<Reply>(FillOf(request)),
            _ => new ValueTask<Reply>(StatusCode.NotImplemented),
        };
    }

    public void ConnectionOpened(ServerConnection connection) => Opened.Enqueue(connection);

    public void ConnectionClosed(ServerConnection connection, Status reason) => Closed.Enqueue((connection, reason));

    private static Reply EchoOf(ServerRequest request)
    {
        request.Header.CopyTo(request.ResponseHeader(request.Header.Length));
        var payload = default(IoSlices);
        if (request.PayloadLength > 0) payload = request.Payload[0].Slice(0, request.PayloadLength);
        return new Reply { HeaderLength = request.Header.Length, Payload = payload };
    }

    private Reply FillOf(ServerRequest request)
    {
        var lease = pool.TryRent(request.ReceiveCapacity)!;
        return new Reply { Payload = lease.Memory.Slice(0, request.ReceiveCapacity), PayloadOwner = lease };
    }

    [System.Runtime.CompilerServices.AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Reply> HoldAsync(ServerRequest request)
    {
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Held.Enqueue(gate);
        HeldOne?.Invoke();
        await gate.Task;
        return EchoOf(request);
    }

    private static async ValueTask<Reply> ElsewhereAsync(ServerRequest request)
    {
        await Task.Run(() => { });
        return EchoOf(request);
    }
}
