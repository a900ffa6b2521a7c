using System.Diagnostics;
using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Contracts.Storage;
using ThreeFs.Io.SharedMemory;
using ThreeFs.Storage.Recovery;
using ThreeFs.Storage.Targets;
using ThreeFs.Storage.Updates;
using ThreeFs.Transport;

namespace ThreeFs.Storage.Server.Requests;

/// <summary>
/// The chunk service on the wire: parses a request, finds the target, and lets it work on its own executor. Payloads are received
/// straight into the memory they are written from, and read straight into the memory they are sent from.
/// </summary>
/// <remarks>
/// Memory is bounded by two pools. Clients' writes and reads share one; what comes from a predecessor has the other, so that
/// clients who fill a node cannot keep the chains from finishing what they have begun, and neither can hops that wait for others
/// (<see cref="HopBuffers"/>). On the managed heap, reads and updates allocate
/// nothing in steady state; other requests do.
/// </remarks>
internal sealed class StorageHandler : IServerHandler
{
    private readonly ReplicaSet _replicas;
    private readonly ResyncPace _pace;
    private readonly BufferPool _clientBuffers;
    private readonly BufferPool _replicaBuffers;
    private readonly UpdateRequests _updates;
    private readonly ReadRequests _reads;
    private readonly PlaceRequests _places;
    private readonly ControlRequests _control;

    public StorageHandler(
        ReplicaSet replicas, BufferPool clientBuffers, BufferPool replicaBuffers, TimeProvider time, INodeControl node, ResyncPace? pace = null,
        SharedArena? arena = null)
    {
        _replicas = replicas;
        _pace = pace ?? ResyncPace.Unlimited;
        _clientBuffers = clientBuffers;
        _replicaBuffers = replicaBuffers;
        _updates = new UpdateRequests(replicas, time);
        _reads = new ReadRequests(replicas, clientBuffers, time);
        _places = new PlaceRequests(replicas, arena);
        _control = new ControlRequests(replicas, clientBuffers, time, node);
    }

    public Status Accept(ServerRequest request)
    {
        var method = (StorageMethod)request.Method;
        return method switch
        {
            StorageMethod.Write => AcceptUpdate(request, fromClient: true),
            StorageMethod.Update => AcceptUpdate(request, fromClient: false),
            StorageMethod.SyncDone => Receive(request, _replicaBuffers.TryRent(request.PayloadLength)),
            _ => new Status(StatusCode.InvalidArgument, $"method {request.Method:x4} takes no payload"),
        };
    }

    private Status AcceptUpdate(ServerRequest request, bool fromClient)
    {
        var code = StorageCodec.ReadUpdateRequest(request.Header, out var update);
        if (code != StatusCode.Ok) return new Status(code, $"the header of an update from {request.Connection.Peer} cannot be read");
        if (update.PayloadLength != request.PayloadLength)
            return new Status(StatusCode.InvalidArgument, $"the update says {update.PayloadLength} bytes and sends {request.PayloadLength}");
        if (_replicas.Find(update.Chain.Id) is not { } replica) return StatusCode.TargetNotFound;
        return Receive(request, fromClient
            ? _clientBuffers.TryRent(request.PayloadLength)
            : _replicaBuffers.TryRent(request.PayloadLength, replica.Place.HopsBehind));
    }

    private static Status Receive(ServerRequest request, BufferLease? buffer)
    {
        if (buffer is null) return StatusCode.Overloaded;
        request.ReceiveInto(buffer.Memory.Slice(0, request.PayloadLength), buffer);
        return Status.Ok;
    }

    public ValueTask<Reply> HandleAsync(ServerRequest request) => MeasureAsync(request);

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<Reply> MeasureAsync(ServerRequest request)
    {
        var method = (StorageMethod)request.Method;
        var started = Stopwatch.GetTimestamp();
        Metrics.InFlight.Inc();
        var (reply, code) = await DispatchAsync(request, method);
        Metrics.InFlight.Dec();
        Metrics.Operation(method, code, Stopwatch.GetElapsedTime(started).TotalSeconds);
        return reply;
    }

    public void ConnectionClosed(ServerConnection connection, Status reason) => (connection.State as ClientHolds)?.Close();

    private ValueTask<Outcome> DispatchAsync(ServerRequest request, StorageMethod method)
    {
        if (request.IsAbandoned) return new ValueTask<Outcome>(Outcome.Failed(StatusCode.Cancelled));
        if (method is StorageMethod.Read or StorageMethod.Write or StorageMethod.Places) _pace.ClientAsks();
        return method switch
        {
            StorageMethod.Read => _reads.HandleAsync(request),
            StorageMethod.Write => _updates.HandleAsync(request, Craq.UpdateSource.Client),
            StorageMethod.Update => _updates.HandleAsync(request, Craq.UpdateSource.Predecessor),
            StorageMethod.QueryCommitted => _updates.QueryCommittedAsync(request),
            StorageMethod.Places => _places.HandleAsync(request),
            StorageMethod.ReleaseContent => new ValueTask<Outcome>(ReadRequests.Release(request)),
            _ => _control.HandleAsync(request, method),
        };
    }
}
