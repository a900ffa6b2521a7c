using ThreeFs.Base;
using ThreeFs.Contracts.Meta;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;
using ThreeFs.Transport;

namespace ThreeFs.Client.Storage;

/// <summary>
/// The less frequent operations on one chain: the end of a file, its truncation, the removal of a range. But for a
/// truncation, same patience as reads and updates; these may allocate.
/// </summary>
internal sealed class ChainCaller(
    RouteTable routes, IRoutingSource routing, ChannelAllocator channels, StorageClientOptions options,
    RetryPolicy retry)
{
    /// <summary>The largest chunk of the file in the index range. Every serving replica holds every acknowledged
    /// update, so any may answer.</summary>
    public ValueTask<Result<LastChunk>> QueryLastAsync(ChainId chain, InodeId inode, ulong first, ulong last,
        CancellationToken ct) =>
        RepeatAsync<LastChunk>(chain, atHead: false, async (connection, route, started) =>
        {
            var request = new QueryLastRequest(route.Chain, inode, first, last);
            using var answer =
                await StorageWire.QueryLast(connection, request, retry.Attempt(options.ReadAttempt, 0, started), ct);
            if (!answer.IsOk) return answer.Status with { Code = StorageWire.Code(answer.Status) };
            if (answer.Header.Length < StorageCodec.LastChunkSize) return StatusCode.ProtocolError;
            var found = StorageCodec.ReadLastChunk(answer.Header);
            return found.Code == StatusCode.Ok ? found : found.Code;
        }, ct);

    /// <summary>Removes every chunk of the file in the index range; how many there were. Repeating it removes nothing
    /// more.</summary>
    public async ValueTask<Result<ulong>> RemoveChunksAsync(ChainId chain, InodeId inode, ulong first, ulong last,
        CancellationToken ct)
    {
        var tag = await channels.RentAsync(ct);
        if (tag.Sequence == 0) return ct.IsCancellationRequested ? StatusCode.Cancelled : StatusCode.Overloaded;
        try
        {
            var removed = 0ul;
            while (true)
            {
                var step = await RemoveStepAsync(chain, inode, first, last, tag, ct);
                if (!step.TryGet(out var done)) return step.Status;
                removed += done.Removed;
                if (!done.More) return removed;
            }
        }
        finally
        {
            channels.Return(tag);
        }
    }

    /// <summary>
    /// Ends a file on a chain as its truncation orders: chunks from <paramref name="first"/> on cease to exist, and the one
    /// before gets its last length if that is not 0. Each step is tried once, and none is begun for an order that is too old.
    /// </summary>
    public async ValueTask<Status> CutAsync(ChainId chain, InodeId inode, ulong first, uint lastLength, uint chunkSize,
        CutOrder order, CancellationToken ct)
    {
        var tag = await channels.RentAsync(ct);
        if (tag.Sequence == 0) return ct.IsCancellationRequested ? StatusCode.Cancelled : StatusCode.Overloaded;
        try
        {
            while (true)
            {
                var (step, _) = await TryOnceAsync<RemoveChunksResult>(
                    chain, atHead: true, tried: 0, (connection, route, _) => RemoveOnceAsync(connection,
                        new RemoveChunksRequest(
                            route.Chain, inode, first, ulong.MaxValue, channels.Advance(tag, options.RemoveBatch + 1),
                            options.RemoveBatch, order.Version, lastLength, chunkSize),
                        order.Left, ct), retry.Now, ct);
                if (!step.TryGet(out var done))
                {
                    routing.RequestRefresh();
                    return step.Status;
                }

                if (!done.More) return Status.Ok;
                lastLength = 0; // it has its length
            }
        }
        finally
        {
            channels.Return(tag);
        }
    }

    /// <summary>
    /// Each attempt has sequences of its own: the set of chunks may have changed since the last one, so its answer
    /// cannot be reused, and a late duplicate of it is refused because it is older.
    /// </summary>
    private ValueTask<Result<RemoveChunksResult>> RemoveStepAsync(
        ChainId chain, InodeId inode, ulong first, ulong last, UpdateTag tag, CancellationToken ct) =>
        RepeatAsync<RemoveChunksResult>(chain, atHead: true, async (connection, route, started) =>
        {
            var request = new RemoveChunksRequest(
                route.Chain, inode, first, last, channels.Advance(tag, options.RemoveBatch), options.RemoveBatch);
            return await RemoveOnceAsync(connection, request, retry.Left(started), ct);
        }, ct);

    /// <param name="left">Not positive: it is too late to send anything.</param>
    private async ValueTask<Result<RemoveChunksResult>> RemoveOnceAsync(
        IConnection connection, RemoveChunksRequest request, TimeSpan left, CancellationToken ct)
    {
        var timeout = options.UpdateAttempt * 4;
        if (left < timeout) timeout = left;
        if (timeout <= TimeSpan.Zero) return StatusCode.DeadlineExceeded;
        using var answer = await StorageWire.RemoveChunks(connection, request, timeout, ct);
        if (!answer.IsOk) return answer.Status with { Code = StorageWire.Code(answer.Status) };
        if (answer.Header.Length < StorageRequestCodec.RemoveChunksResultSize) return StatusCode.ProtocolError;
        var result = StorageRequestCodec.ReadRemoveChunksResult(answer.Header);
        return result.Code == StatusCode.Ok ? result : result.Code;
    }

    private async ValueTask<Result<T>> RepeatAsync<T>(
        ChainId chain, bool atHead, Func<IConnection, ChainRoute, long, ValueTask<Result<T>>> once,
        CancellationToken ct)
    {
        var started = retry.Now;
        var tried = 0u;
        var faults = 0;
        for (var attempt = 0; ; attempt++)
        {
            var result = await TryOnceAsync(chain, atHead, tried, once, started, ct);
            tried = result.Tried;
            if (result.Outcome.IsOk) return result.Outcome;
            if (result.Outcome.Code.IsReplicaFault()) faults++;
            else if (!result.Outcome.Code.IsRetryableStorage()) return result.Outcome;
            routing.RequestRefresh();
            if (faults > options.MaxFaults || !await retry.PauseAsync(attempt, started, ct))
            {
                return ct.IsCancellationRequested
                    ? StatusCode.Cancelled
                    : new Status(result.Outcome.Code,
                        $"chain {chain} did not answer after {attempt + 1} attempts: {result.Outcome.Status}");
            }
        }
    }

    private async ValueTask<(Result<T> Outcome, uint Tried)> TryOnceAsync<T>(
        ChainId chain, bool atHead, uint tried, Func<IConnection, ChainRoute, long, ValueTask<Result<T>>> once,
        long started, CancellationToken ct)
    {
        var route = routes.Find(chain);
        if (route is null) return (MissingChain(chain), 0);
        if (route.Head is null) return (StatusCode.NoServingTarget, 0);
        var index = atHead ? 0 : route.Choose(tried);
        if (index < 0) index = route.Choose(tried = 0);
        tried |= 1u << index;
        if (route.Serving[index].Peer is not { } peer) return (StatusCode.ConnectFailed, tried);
        var opened = await peer.GetAsync(ct);
        return opened.TryGet(out var connection)
            ? (await once(connection, route, started), tried)
            : (opened.Status, tried);
    }

    private Status MissingChain(ChainId chain) => routing.Current.Version.Value == 0
        ? new Status(StatusCode.RoutingNotReady, "no routing information has been received yet")
        : new Status(StatusCode.ChainNotFound, $"routing version {routing.Current.Version} has no chain {chain}");
}
