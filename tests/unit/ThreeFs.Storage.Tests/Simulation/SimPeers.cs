using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;
using ThreeFs.Storage.ChunkEngine;
using ThreeFs.Storage.Craq;
using ThreeFs.Storage.Peers;
using ThreeFs.Storage.Threading;

namespace ThreeFs.Storage.Tests.Simulation;

/// <summary>
/// The network as a replica sees it. A link delivers in order; breaking it loses answers at once, while requests that were under way
/// may still arrive later, in any order with those of the next connection.
/// </summary>
internal sealed class SimPeers(SimCluster cluster, Life from) : IReplicaPeers
{
    private readonly Dictionary<NodeId, SimLink> _links = [];

    public ValueTask<UpdateResult> UpdateAsync(NodeInfo node, UpdateRequest request, IoSlices payload, TimeSpan timeout, CancellationToken ct)
    {
        var link = LinkTo(node.Id);
        var copy = payload.IsEmpty ? [] : new byte[payload.TotalLength];
        payload.CopyTo(0, copy);
        request = request with { ForwardEpoch = link.Epoch };
        return link.CallAsync(to => RunUpdateAsync(to, request, copy, timeout), Failure, timeout, ct);
    }

    private async ValueTask<UpdateResult> RunUpdateAsync(Life to, UpdateRequest request, byte[] payload, TimeSpan timeout)
    {
        if (to.Replica is not { } replica) return Failure(StatusCode.TargetNotFound);
        using var buffer = cluster.Buffers.TryRent(payload.Length)!;
        payload.CopyTo(buffer.Memory.Span);
        return await replica.UpdateAsync(
            request, buffer.Memory.Slice(0, payload.Length), UpdateSource.Predecessor, Deadline.In(timeout, cluster.Loop.Time));
    }

    public ValueTask<UpdateResult> QueryCommittedAsync(NodeInfo node, QueryCommittedRequest request, TimeSpan timeout) => LinkTo(node.Id).CallAsync(
        to => ValueTask.FromResult(to.Replica?.QueryCommitted(request) ?? Failure(StatusCode.TargetNotFound)), Failure, timeout, default);

    public ValueTask<UpdateResult> SyncDoneAsync(
        NodeInfo node, VersionedChain chain, TargetId target, ChannelUpdate[] channels, TimeSpan timeout) => LinkTo(node.Id).CallAsync(
        to => to.Replica?.SyncDoneAsync(chain, channels) ?? ValueTask.FromResult(Failure(StatusCode.TargetNotFound)), Failure, timeout, default);

    public ValueTask<Result<ChunkPage>> ListChunksAsync(NodeInfo node, ListChunksRequest request, TimeSpan timeout, CancellationToken ct) =>
        LinkTo(node.Id).CallAsync(to => ValueTask.FromResult(List(to, request)), code => (Result<ChunkPage>)code, timeout, ct);

    private static Result<ChunkPage> List(Life to, ListChunksRequest request)
    {
        if (to.Replica is not { } replica) return StatusCode.TargetNotFound;
        var page = new ChunkState[request.Limit];
        var count = replica.ListChunks(request.After, page);
        return new ChunkPage([.. page.Take(count).Select(s => s.ToMeta())], count < page.Length);
    }

    public async ValueTask<ReadResult> ReadAsync(NodeInfo node, ReadOp op, IoSlices destination, TimeSpan timeout)
    {
        var (result, bytes) = await LinkTo(node.Id).CallAsync(to => cluster.ReadAtAsync(to, op, timeout), code => (SimCluster.ReadFailure(code), []), timeout, default);
        destination.CopyFrom(0, bytes);
        return result;
    }

    private SimLink LinkTo(NodeId node)
    {
        if (_links.TryGetValue(node, out var link) && !link.IsBroken) return link;
        return _links[node] = new SimLink(cluster, from, cluster.Node(node), (link?.Epoch ?? 0) + 1);
    }

    public static UpdateResult Failure(StatusCode code) => new(code, default, default, 0, 0, default);
}

/// <summary>One connection.</summary>
internal sealed class SimLink
{
    private readonly SimCluster _cluster;
    private readonly Life? _from;
    private readonly SimNode _to;
    private readonly SimLoop.Line _there;
    private readonly SimLoop.Line _back;
    private readonly List<Action> _pending = [];

    public SimLink(SimCluster cluster, Life? from, SimNode to, ulong epoch)
    {
        (_cluster, _from, _to, Epoch) = (cluster, from, to, epoch);
        _there = cluster.Loop.NewLine(to.Life);
        _back = cluster.Loop.NewLine(from);
        Peer = to.Life;
        cluster.Links.Add(this);
    }

    public ulong Epoch { get; }

    public Life? Peer { get; }

    public bool IsBroken { get; private set; }

    /// <summary>Completes on the caller's line: with the answer, or with a code when the link breaks, the peer dies or time is over.</summary>
    public async ValueTask<T> CallAsync<T>(Func<Life, ValueTask<T>> work, Func<StatusCode, T> fail, TimeSpan timeout, CancellationToken ct)
    {
        if (Peer is null || Peer.IsDead) IsBroken = true;
        if (IsBroken) return fail(StatusCode.ConnectFailed);
        var done = new TaskCompletionSource<T>();
        void Finish(T result) => _back.Add(() => done.TrySetResult(result));
        void Lose() => Finish(fail(StatusCode.ConnectionLost));
        _pending.Add(Lose);
        _there.Add(() => _ = ServeAsync());
        using var timer = _cluster.Loop.Time.CreateTimer(_ => Finish(fail(StatusCode.DeadlineExceeded)), null, timeout, Timeout.InfiniteTimeSpan);
        using var registration = ct.Register(() => Finish(fail(StatusCode.Cancelled)));
        var answer = await done.Task;
        _pending.Remove(Lose);
        return answer;

        async Task ServeAsync()
        {
            if (Peer!.IsDead) return;
            var result = await work(Peer);
            if (!IsBroken && !Peer.IsDead) Finish(result);
        }
    }

    public void Break()
    {
        if (IsBroken) return;
        IsBroken = true;
        foreach (var lose in _pending.ToArray()) lose();
        if (_cluster.Loop.Random.NextBool(0.5) || Peer is null || Peer.IsDead) _there.Clear();
    }
}
