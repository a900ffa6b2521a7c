using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Tasks;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.Craq;
using ThreeFs.Storage.Targets;
using ThreeFs.Storage.Threading;
using ThreeFs.Transport;

namespace ThreeFs.Storage.Server.Requests;

/// <summary>Updates from clients and predecessors, and questions for the committed version.</summary>
internal sealed class UpdateRequests(ReplicaSet replicas, TimeProvider time)
{
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<Outcome> HandleAsync(ServerRequest request, UpdateSource source)
    {
        var code = StorageCodec.ReadUpdateRequest(request.Header, out var update);
        if (code != StatusCode.Ok) return Outcome.Failed(code);
        if (update.PayloadLength != request.PayloadLength) return Outcome.Failed(StatusCode.InvalidArgument);
        if (replicas.Find(update.Chain.Id) is not { } replica) return Outcome.Failed(NotHere(update.Chain));
        var payload = request.Payload;
        var deadline = Deadline.In(request.TimeLeft, time);
        var homing = Homing.From(replica.Services.Executor);
        await replica.Services.Executor.Enter();
        var result = await replica.UpdateAsync(update, payload, source, deadline);
        await homing.ReturnAsync();
        if (result.Code == StatusCode.Ok) Metrics.BytesWritten.Inc(update.PayloadLength);
        return Answer(request, result);
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<Outcome> QueryCommittedAsync(ServerRequest request)
    {
        var code = ReplicaCodec.Read(request.Header, out QueryCommittedRequest query);
        if (code != StatusCode.Ok) return Outcome.Failed(code);
        if (replicas.Find(query.Chain.Id) is not { } replica) return Outcome.Failed(NotHere(query.Chain));
        var homing = Homing.From(replica.Services.Executor);
        await replica.Services.Executor.Enter();
        var result = replica.QueryCommitted(query);
        await homing.ReturnAsync();
        return Answer(request, result);
    }

    public static Outcome Answer(ServerRequest request, in UpdateResult result)
    {
        StorageCodec.Write(request.ResponseHeader(StorageCodec.UpdateResultSize), result);
        return new Outcome(new Reply { HeaderLength = StorageCodec.UpdateResultSize }, result.Code);
    }

    public static Status NotHere(VersionedChain chain) => new(StatusCode.TargetNotFound, $"this node holds no target of chain {chain}");
}
