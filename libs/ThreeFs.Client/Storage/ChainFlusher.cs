using Microsoft.Extensions.Logging;
using ThreeFs.Base;
using ThreeFs.Client.Connections;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Client.Storage;

/// <summary>
/// Brings everything acknowledged on some chains to stable storage of every serving replica. One request for each node,
/// all at the same time. A chain is done when all its serving replicas answered for the same chain version; what is not
/// done is flushed again under newer routing, so a replica that dies meanwhile delays the flush and does not fail it.
/// </summary>
internal sealed class ChainFlusher(
    RouteTable routes, IRoutingSource routing, StorageClientOptions options, RetryPolicy retry, ILogger log)
{
    public async ValueTask<Status> FlushAsync(ReadOnlyMemory<ChainId> chains, CancellationToken ct)
    {
        var started = retry.Now;
        var pending = new HashSet<ChainId>();
        foreach (var chain in chains.Span) pending.Add(chain);
        var faults = 0;
        for (var attempt = 0; pending.Count != 0; attempt++)
        {
            var failed = new Dictionary<ChainId, Status>();
            await RoundAsync(pending, failed, started, ct);
            if (failed.Count == 0) return Status.Ok;
            var worst = Worst(failed);
            if (worst.Code.IsReplicaFault()) faults++;
            else if (!worst.Code.IsRetryableStorage()) return worst;
            routing.RequestRefresh();
            if (faults > options.MaxFaults || !await retry.PauseAsync(attempt, started, ct))
            {
                if (ct.IsCancellationRequested) return StatusCode.Cancelled;
                ClientLog.FlushGivenUp(log, pending.Count, attempt + 1, worst);
                return worst;
            }

            pending = [.. failed.Keys];
        }

        return Status.Ok;
    }

    private async ValueTask RoundAsync(HashSet<ChainId> pending, Dictionary<ChainId, Status> failed, long started,
        CancellationToken ct)
    {
        var requests = new Dictionary<Peer, List<VersionedChain>>();
        foreach (var chain in pending)
        {
            var route = routes.Find(chain);
            if (route?.Head is null)
            {
                failed[chain] = route is null ? StatusCode.ChainNotFound : StatusCode.NoServingTarget;
                continue;
            }

            foreach (var replica in route.Serving)
            {
                if (replica.Peer is null) failed[chain] = StatusCode.ConnectFailed;
                else if (requests.TryGetValue(replica.Peer, out var list)) list.Add(route.Chain);
                else requests.Add(replica.Peer, [route.Chain]);
            }
        }

        var running = new List<Task<List<(ChainId, Status)>>>();
        foreach (var (peer, list) in requests)
        {
            foreach (var part in list.Chunk(StorageRequestCodec.MaxFlushChains))
                running.Add(FlushNodeAsync(peer, [.. part], started, ct));
        }

        foreach (var task in running)
        {
            foreach (var (chain, status) in await task) failed[chain] = status;
        }
    }

    /// <summary>The chains that this node did not flush.</summary>
    private async Task<List<(ChainId, Status)>> FlushNodeAsync(
        Peer peer, List<VersionedChain> chains, long started, CancellationToken ct)
    {
        var failed = new List<(ChainId, Status)>();
        var opened = await peer.GetAsync(ct);
        var status = opened.Status;
        if (opened.TryGet(out var connection))
        {
            using var answer =
                await StorageWire.Flush(connection, chains, retry.Attempt(options.UpdateAttempt * 2, 0, started), ct);
            status = answer.Status with { Code = StorageWire.Code(answer.Status) };
            if (status.IsOk && answer.Header.Length < chains.Count * StorageRequestCodec.FlushResultSize)
                status = new Status(StatusCode.ProtocolError, $"{peer.Endpoint} answered a flush too briefly");
            for (var i = 0; status.IsOk && i < chains.Count; i++)
            {
                var result =
                    StorageRequestCodec.ReadFlushResult(answer.Header[(i * StorageRequestCodec.FlushResultSize)..]);
                if (result.Code == StatusCode.Ok) continue;
                failed.Add((chains[i].Id, new Status(result.Code, $"{peer.Endpoint} cannot flush chain {chains[i]}")));
            }
        }

        if (!status.IsOk) failed.AddRange(chains.Select(c => (c.Id, status)));
        return failed;
    }

    /// <summary>The failure that decides what to do: one that no retry heals, then a faulty replica, then
    /// any.</summary>
    private static Status Worst(Dictionary<ChainId, Status> failed)
    {
        var worst = default(Status);
        foreach (var status in failed.Values)
        {
            if (worst.IsOk || Rank(status.Code) > Rank(worst.Code)) worst = status;
        }

        return worst;
    }

    private static int Rank(StatusCode code) => code.IsReplicaFault() ? 1 : code.IsRetryableStorage() ? 0 : 2;
}
