using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Client.Storage.Places;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;
using ThreeFs.Transport;

namespace ThreeFs.Client.Storage;

/// <summary>
/// Reads one piece of a chunk until it has it. Any serving replica answers; one that does not, or whose bytes do not
/// match their checksum, is passed over for the others at once; when all were asked, routing is refreshed and the round
/// begins again after a pause, until the deadline. A missing chunk is an answer, not a failure. The first good attempt
/// allocates nothing.
/// </summary>
internal sealed class StorageReader(
    RouteTable routes, IRoutingSource routing, StorageClientOptions options, RetryPolicy retry, PlaceBook places,
    StorageClientCounters counters, ILogger log)
{
    private readonly LocalReader _local = new(retry, counters);

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    public async ValueTask<ReadResult> ReadAsync(
        ChainId chain, ChunkId chunk, uint offset, IoSlices destination, ReadFlags flags, CancellationToken ct)
    {
        counters.CountRead();
        var length = (uint)destination.TotalLength;
        var started = retry.Now;
        var tried = 0u;
        var plannedWith = default(VersionedChain);
        var faults = 0;
        for (var attempt = 0; ; attempt++)
        {
            ReadResult result;
            var more = false;
            var route = routes.Find(chain);
            if (route is null || route.Head is null)
            {
                result = StorageWire.Failed(MissingRoute(route));
            }
            else
            {
                if (route.Chain != plannedWith)
                {
                    plannedWith = route.Chain;
                    tried = 0;
                }

                var index = route.Choose(tried);
                tried |= 1u << index;
                more = route.HasUntried(tried);
                var op = new ReadOp(route.Chain, chunk, offset, length);
                result = await TryOnceAsync(route.Serving[index], op, flags, destination, started, ct);
                if (result.Code is StatusCode.Ok or StatusCode.ChunkNotFound) return result;
                if (result.Code == StatusCode.ChecksumMismatch)
                {
                    counters.CountChecksumError();
                    ClientLog.WrongChecksum(log, route.Serving[index].Target, chunk, route.Chain);
                }
            }

            if (result.Code.IsReplicaFault()) faults++;
            else if (!result.Code.IsRetryableStorage()) return result;
            if (ct.IsCancellationRequested) return StorageWire.Failed(StatusCode.Cancelled);
            routing.RequestRefresh();
            counters.CountRetry();
            if (more && result.Code != StatusCode.ChunkNotCommitted && faults <= options.MaxFaults) continue;
            tried = 0;
            if (faults > options.MaxFaults || !await retry.PauseAsync(attempt, started, ct))
                return GiveUp(chain, chunk, attempt + 1, ct.IsCancellationRequested ? StatusCode.Cancelled
                    : result.Code);
        }
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<ReadResult> TryOnceAsync(
        Replica replica, ReadOp op, ReadFlags flags, IoSlices destination, long started, CancellationToken ct)
    {
        if (replica.Peer is null) return StorageWire.Failed(StatusCode.ConnectFailed);
        var connection = replica.Peer.TryGet();
        if (connection is null)
        {
            var opened = await replica.Peer.GetAsync(ct);
            if (!opened.TryGet(out connection)) return StorageWire.Failed(opened.Code);
        }

        var known = KnownPlaces.Fits(op, destination) ? places.Of(connection) : null;
        if (known is not null && known.MayHave(op))
        {
            var placed = await known.ReadAsync(op, destination);
            if (placed is { } result) return result;
        }

        var read = await ReadOnceAsync(connection, op, flags, destination, started, ct);
        if (known is null || read.Code != StatusCode.Ok) return read;
        known.WasRead(op);
        known.Ask();
        return read;
    }

    [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
    private async ValueTask<ReadResult> ReadOnceAsync(
        IConnection connection, ReadOp op, ReadFlags flags, IoSlices destination, long started, CancellationToken ct)
    {
        if (LocalReader.Fits(connection, op, destination))
        {
            var local = await _local.ReadAsync(
                connection, op, flags, destination, retry.Attempt(options.ReadAttempt, op.Length, started), ct);
            if (local is { } result) return result;
        }

        var timeout = retry.Attempt(options.ReadAttempt, op.Length, started);
        using var answer = await StorageWire.Read(connection, op, flags, destination, timeout, ct);
        return StorageWire.ReadAnswer(answer, 0, 0, op.Length, destination);
    }

    private ReadResult GiveUp(ChainId chain, ChunkId chunk, int attempts, StatusCode code)
    {
        if (code != StatusCode.Cancelled)
        {
            counters.CountFailure();
            ClientLog.GivenUp(log, "read", chunk, chain, attempts, code);
        }

        return StorageWire.Failed(code);
    }

    private StatusCode MissingRoute(ChainRoute? route) => route is not null
        ? StatusCode.NoServingTarget
        : routing.Current.Version.Value == 0 ? StatusCode.RoutingNotReady : StatusCode.ChainNotFound;
}
