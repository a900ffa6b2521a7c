using ThreeFs.Base;
using ThreeFs.Contracts.Storage;
using ThreeFs.Sim.Checks;
using ThreeFs.Sim.Nodes;
using ThreeFs.Sim.World;

namespace ThreeFs.Sim.Workloads;

/// <summary>
/// Clients that read and update a few chunks, each one operation after the other: writes of odd sizes at odd offsets, appends,
/// cuts, extensions and removals. Answers carry versions, so that the history can be judged.
/// </summary>
internal sealed class RegisterWorkload(SimCluster cluster, ChunkHistory history, int chunks)
{
    private const uint ChunkSize = 1 << 17;

    /// <summary>Chunks below are never removed.</summary>
    private const ulong NeverRemoved = 2;

    private readonly List<Task<bool>> _running = [];
    private bool _isStopping;

    public bool IsDone => _running.All(r => r.IsCompleted);

    public void Start(IEnumerable<ClientNode> clients)
    {
        foreach (var client in clients)
        {
            _running.Add(client.Process.Start(() => RunAsync(client, reads: 0.4)));

            // Whoever waits for a chain to heal does not notice that another one answers what is old.
            _running.Add(client.Process.Start(() => RunAsync(client, reads: 1)));
        }
    }

    public void Stop() => _isStopping = true;

    /// <summary>Reports what a client met.</summary>
    public void ThrowIfFailed()
    {
        foreach (var failed in _running.Where(r => r.IsFaulted)) failed.GetAwaiter().GetResult();
    }

    private async Task<bool> RunAsync(ClientNode client, double reads)
    {
        var random = client.Process.Random.Fork();
        await client.Routing.WaitFor(r => r.Chains.Count > 0, CancellationToken.None);
        while (!_isStopping)
        {
            var number = random.Next(chunks);
            var chunk = new ChunkId(SimCluster.RegisterInode, (ulong)number);
            var chain = cluster.Chains[number % cluster.Chains.Length].Id;
            var draw = random.NextDouble();
            if (draw < reads) await ReadAsync(client, chain, chunk);
            else if (draw < 0.97) await UpdateAsync(client, chain, chunk, random);
            else await FlushAsync(client, chain);
            if (reads == 1 || random.NextBool(0.5)) await Task.Delay(TimeSpan.FromMilliseconds(random.Next(1, 80)), client.Process.Time);
        }

        return true;
    }

    private async Task UpdateAsync(ClientNode client, ChainId chain, ChunkId chunk, SeededRandom random)
    {
        var draw = random.NextDouble();
        var kind = draw < 0.80 ? UpdateKind.Write : draw < 0.88 ? UpdateKind.Truncate : draw < 0.95 ? UpdateKind.Extend : UpdateKind.Remove;
        if (kind == UpdateKind.Remove && chunk.Index < NeverRemoved) kind = UpdateKind.Truncate;
        var isLarge = random.NextBool(0.15);
        var payload = new byte[kind != UpdateKind.Write ? 0 : isLarge ? random.Next(30_000, 60_000) : random.Next(1, 300)];
        random.NextBytes(payload);
        var offset = (uint)random.Next(kind == UpdateKind.Write ? isLarge ? 3 : 40_000 : 50_000);
        var update = history.Begin(
            new ChunkOperation
            {
                Chunk = chunk, Who = client.Name, Kind = kind, Offset = offset, Payload = payload, Began = cluster.World.Now,
            },
            chain);
        using var lease = client.Memory.TryRent(payload.Length)!;
        payload.CopyTo(lease.Memory.Span);
        var result = kind switch
        {
            UpdateKind.Truncate => await client.Storage.TruncateAsync(chain, chunk, offset, ChunkSize),
            UpdateKind.Extend => await client.Storage.ExtendAsync(chain, chunk, offset, ChunkSize),
            UpdateKind.Remove => await client.Storage.RemoveAsync(chain, chunk, ChunkSize),
            _ => await client.Storage.WriteAsync(chain, chunk, offset, lease.Memory.Slice(0, payload.Length), ChunkSize),
        };
        if (result.Code == StatusCode.Ok) ChunkHistory.End(update, result, cluster.World.Now);
        else if (result.Code == StatusCode.NoSpace && MayLackSpace(update)) cluster.World.Timeline.Probe("update: no space");
        else throw new SimFailure($"{client.Name}: {kind} of {chunk} failed: {result.Code}");
    }

    /// <summary>On disks that are merely low what is there can be written still.</summary>
    private bool MayLackSpace(ChunkOperation update) =>
        history.Exists(update.Chunk, update.Began) ? cluster.MayBeFull : cluster.MayLackSpace;

    private async Task ReadAsync(ClientNode client, ChainId chain, ChunkId chunk)
    {
        var read = history.Begin(new ChunkOperation { Chunk = chunk, Who = client.Name, Began = cluster.World.Now }, chain);
        using var lease = client.Memory.TryRent((int)ChunkSize)!;
        var result = await client.Storage.ReadAsync(chain, chunk, 0, lease.Memory.Slice(0, (int)ChunkSize));
        if (result.Code is not (StatusCode.Ok or StatusCode.ChunkNotFound))
            throw new SimFailure($"{client.Name}: a read of {chunk} failed: {result.Code}");
        ChunkHistory.End(read, result, lease.Memory.Span[..(int)result.Length], cluster.World.Now);
    }

    private async Task FlushAsync(ClientNode client, ChainId chain)
    {
        var began = cluster.World.Now;
        var status = await client.Storage.FlushAsync(new[] { chain });
        if (!status.IsOk) throw new SimFailure($"{client.Name}: a flush of chain {chain} failed: {status}");
        history.Flushed(chain, began);
    }
}
