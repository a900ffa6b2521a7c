using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Client.Storage;

/// <summary>
/// Carries one update to the head of its chain until it is committed, exactly once: all attempts have the same channel
/// and sequence, and the channel is given to no other update before this one has ended. When the head is gone there is
/// no other replica to ask; the update waits for the chain's next version. When the time is over the outcome is
/// unknown: the update may have been executed. The first good attempt allocates nothing.
/// </summary>
internal sealed class StorageUpdater(
    RouteTable routes,
    IRoutingSource routing,
    ChannelAllocator channels,
    StorageClientOptions options,
    RetryPolicy retry,
    StorageClientCounters counters,
    ILogger log)
{
    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<UpdateResult> UpdateAsync(
        ChainId chain, ChunkId chunk, UpdateKind kind, uint offset, uint length, uint chunkSize, IoSlices payload,
        CancellationToken ct)
    {
        counters.CountUpdate();
        var started = retry.Now;
        var request = new UpdateRequest(
            new VersionedChain(chain, default), chunk, kind, offset, length, chunkSize,
            StorageWire.Checksum(payload, payload.TotalLength), default, default, default);
        var tag = await channels.RentAsync(ct);
        if (tag.Sequence == 0)
            return StorageWire.Failure(ct.IsCancellationRequested ? StatusCode.Cancelled : StatusCode.Overloaded);
        request = request with { Tag = tag };
        try
        {
            return await RepeatAsync(request, payload, started, ct);
        }
        finally
        {
            channels.Return(tag);
        }
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<UpdateResult> RepeatAsync(UpdateRequest request, IoSlices payload, long started,
        CancellationToken ct)
    {
        var faults = 0;
        for (var attempt = 0; ; attempt++)
        {
            var route = routes.Find(request.Chain.Id);
            UpdateResult result;
            if (route?.Head is { } head)
            {
                request = request with { Chain = route.Chain };
                result = await TryOnceAsync(head, request, payload, started, ct);
                if (result.Code == StatusCode.Ok) return result;
            }
            else
            {
                result = StorageWire.Failure(MissingRoute(route));
            }

            if (result.Code.IsReplicaFault()) faults++;
            else if (!result.Code.IsRetryableStorage()) return result;
            if (ct.IsCancellationRequested) return StorageWire.Failure(StatusCode.Cancelled);
            if (result.Code == StatusCode.ChecksumMismatch)
                request = request with { Crc = StorageWire.Checksum(payload, payload.TotalLength) };
            routing.RequestRefresh();
            counters.CountRetry();
            if (faults > options.MaxFaults || !await retry.PauseAsync(attempt, started, ct))
                return GiveUp(request, attempt + 1, ct.IsCancellationRequested ? StatusCode.Cancelled : result.Code);
        }
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<UpdateResult> TryOnceAsync(
        Replica head, UpdateRequest request, IoSlices payload, long started, CancellationToken ct)
    {
        if (head.Peer is null) return StorageWire.Failure(StatusCode.ConnectFailed);
        var connection = head.Peer.TryGet();
        if (connection is null)
        {
            var opened = await head.Peer.GetAsync(ct);
            if (!opened.TryGet(out connection)) return StorageWire.Failure(opened.Code);
        }

        var timeout = retry.Attempt(options.UpdateAttempt, payload.TotalLength, started);
        using var answer = await StorageWire.Update(connection, request, payload, timeout, ct);
        return StorageWire.UpdateAnswer(answer);
    }

    private UpdateResult GiveUp(in UpdateRequest request, int attempts, StatusCode code)
    {
        if (code != StatusCode.Cancelled)
        {
            counters.CountFailure();
            ClientLog.GivenUp(log, request.Kind.ToString(), request.Chunk, request.Chain.Id, attempts, code);
        }

        return StorageWire.Failure(code);
    }

    private StatusCode MissingRoute(ChainRoute? route) => route is not null
        ? StatusCode.NoServingTarget
        : routing.Current.Version.Value == 0 ? StatusCode.RoutingNotReady : StatusCode.ChainNotFound;
}
