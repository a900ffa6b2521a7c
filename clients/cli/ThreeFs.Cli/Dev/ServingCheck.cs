using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Cli.Admin;
using ThreeFs.Client.Storage;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Cli.Dev;

/// <summary>
/// Which targets do not serve, by routing and by their own answer. Routing alone is late: until the failure timeout a
/// dead server's targets still serve in it, and so do those of one that was started again and has not compared itself
/// with its chain.
/// </summary>
internal sealed class ServingCheck(StorageAdmin storage) : IDisposable
{
    /// <summary>No file has it, so whoever serves answers that it is not there.</summary>
    private static readonly ChunkId _nobodys = new(new InodeId(ulong.MaxValue), ulong.MaxValue);

    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(100);

    private readonly BufferPool _buffers = new(16L << 20);

    /// <summary>Ordered by chain; empty when all serve that are wanted.</summary>
    public async Task<IReadOnlyList<NotServing>> LookAsync(RoutingInfo routing, CancellationToken ct)
    {
        var places = routing.Chains.Values.OrderBy(c => c.Id)
            .SelectMany(c => c.Targets.Where(t => !c.IsLeaving(t.Id)).Select(t => (Chain: c.Id, Target: t)));
        var found = await Task.WhenAll(places.Select(p => AskAsync(p.Chain, p.Target, ct)));
        return [.. found.OfType<NotServing>()];
    }

    /// <summary>
    /// Looks until all serve, or until those that do not will not by waiting: their servers are known to be gone.
    /// </summary>
    /// <returns>What did not serve at the last look; empty when all did.</returns>
    public async Task<IReadOnlyList<NotServing>> SettleAsync(
        IRoutingSource routing, TimeSpan patience, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(patience);
        while (true)
        {
            var current = routing.Current;
            var missing = await LookAsync(current, ct);
            if (limit.IsCancellationRequested || missing.All(m => m.IsSettled(current))) return missing;
            await Task.Delay(_pause, ct);
        }
    }

    public void Dispose() => _buffers.Dispose();

    private async Task<NotServing?> AskAsync(ChainId chain, ChainTarget target, CancellationToken ct)
    {
        if (target.State != TargetState.Serving) return new NotServing(chain, target.Id, target.State, StatusCode.Ok);
        using var buffer = _buffers.TryRent(4096);
        if (buffer is null) return new NotServing(chain, target.Id, target.State, StatusCode.Overloaded);
        var answer = await storage.ReadReplicaAsync(target.Id, _nobodys, 0, buffer.Memory.Slice(0, 4096), ct);
        return answer.Code is StatusCode.Ok or StatusCode.ChunkNotFound
            ? null
            : new NotServing(chain, target.Id, target.State, answer.Code);
    }
}

/// <param name="Answer">
/// Of a target that serves by routing: what its server says; Ok of others, which are not asked.
/// </param>
internal sealed record NotServing(ChainId Chain, TargetId Target, TargetState State, StatusCode Answer)
{
    /// <summary>Those that do not serve by routing, which may be late.</summary>
    public static IEnumerable<NotServing> In(RoutingInfo routing) =>
        from chain in routing.Chains.Values.OrderBy(c => c.Id)
        from target in chain.Targets
        where target.State != TargetState.Serving && !chain.IsLeaving(target.Id)
        select new NotServing(chain.Id, target.Id, target.State, StatusCode.Ok);

    /// <summary>Its server is known to be gone: the chain waits for an operator, not for time.</summary>
    public bool IsSettled(RoutingInfo routing) =>
        State is TargetState.Offline or TargetState.LastServing && routing.NodeOf(Target) is not { IsActive: true };

    public override string ToString() => State == TargetState.Serving
        ? $"target {Target} of chain {Chain} does not answer as serving ({Answer})"
        : $"target {Target} of chain {Chain} is {Names.Of(State)}";
}
