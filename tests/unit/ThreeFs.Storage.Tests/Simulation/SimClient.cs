using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Storage.Tests.Simulation;

/// <summary>
/// A client that does one operation after the other: updates are repeated with their tag at whoever is the head until they are
/// answered, reads go to any serving replica. Its picture of the chain is sometimes old.
/// </summary>
internal sealed class SimClient
{
    private readonly SimCluster _cluster;
    private readonly History _history;
    private readonly int _chunks;
    private readonly SeededRandom _random;
    private readonly Dictionary<NodeId, SimLink> _links = [];
    private readonly ClientId _id;
    private ChainInfo _chain;
    private ulong _sequence;

    public SimClient(SimCluster cluster, History history, int number, int chunks)
    {
        (_cluster, _history, _chunks) = (cluster, history, chunks);
        _random = cluster.Loop.Random.Fork();
        _id = new ClientId(new Guid(number, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1));
        _chain = cluster.ChainNow;
    }

    public bool IsStopping { get; set; }

    public bool IsDone { get; private set; }

    public async Task RunAsync()
    {
        while (!IsStopping)
        {
            var chunk = new ChunkId(new InodeId(1), (ulong)_random.Next(_chunks));
            if (_random.NextBool(0.5)) await WriteAsync(chunk);
            else await ReadAsync(chunk);
            if (_random.NextBool(0.3)) await Task.Delay(TimeSpan.FromMilliseconds(_random.Next(1, 20)), _cluster.Loop.Time);
        }

        IsDone = true;
    }

    private async Task WriteAsync(ChunkId chunk)
    {
        var isLarge = _random.NextBool(0.2);
        var payload = new byte[isLarge ? _random.Next(30_000, 70_000) : _random.Next(1, 200)];
        _random.NextBytes(payload);
        var offset = (uint)_random.Next(isLarge ? 3 : 60_000);
        var tag = new UpdateTag(_id, new ChannelId(1), ++_sequence);
        var write = _history.Begin(chunk, offset, payload, _cluster.Loop.Seconds);
        for (; ; )
        {
            var head = _chain.Targets[0].Id;
            var request = new UpdateRequest(
                new VersionedChain(_chain.Id, _chain.Version), chunk, UpdateKind.Write, offset, (uint)payload.Length, 1 << 17,
                Crc32C.Compute(payload), tag, default, default);
            var timeout = TimeSpan.FromSeconds(1);
            var result = await Link(_cluster.Node(head)).CallAsync(
                to => _cluster.UpdateAtAsync(to, request, payload, timeout), SimPeers.Failure, timeout, default);
            if (result.Code == StatusCode.Ok)
            {
                _history.End(write, result, _cluster.Loop.Seconds);
                return;
            }

            if (!result.Code.IsRetryableStorage()) throw new InvalidOperationException($"write of {chunk}: {result.Code}");
            if (IsStopping && _random.NextBool(0.1)) return;
            await PauseAsync();
        }
    }

    private async Task ReadAsync(ChunkId chunk)
    {
        var began = _cluster.Loop.Seconds;
        for (; ; )
        {
            var serving = _chain.Targets.Where(t => t.State == TargetState.Serving).ToArray();
            if (serving.Length > 0)
            {
                var node = _cluster.Node(serving[_random.Next(serving.Length)].Id);
                var op = new ReadOp(new VersionedChain(_chain.Id, _chain.Version), chunk, 0, 1 << 17);
                var timeout = TimeSpan.FromSeconds(1);
                var (result, bytes) = await Link(node).CallAsync(
                    to => _cluster.ReadAtAsync(to, op, timeout), code => (SimCluster.ReadFailure(code), []), timeout, default);
                if (result.Code is StatusCode.Ok or StatusCode.ChunkNotFound)
                {
                    _history.Read(chunk, result, bytes, began, _cluster.Loop.Seconds, node.Id);
                    return;
                }

                if (!result.Code.IsRetryableStorage()) throw new InvalidOperationException($"read of {chunk}: {result.Code}");
            }

            if (IsStopping) return;
            await PauseAsync();
        }
    }

    private async Task PauseAsync()
    {
        await Task.Delay(TimeSpan.FromMilliseconds(_random.Next(2, 60)), _cluster.Loop.Time);
        if (_random.NextBool(0.8)) _chain = _cluster.ChainNow;
    }

    private SimLink Link(SimNode node)
    {
        if (_links.TryGetValue(node.Id, out var link) && !link.IsBroken && link.Peer == node.Life) return link;
        return _links[node.Id] = new SimLink(_cluster, null, node, 1);
    }
}
