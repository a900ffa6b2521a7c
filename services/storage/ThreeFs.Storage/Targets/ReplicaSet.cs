using System.Collections.Frozen;
using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Storage.Targets;

/// <summary>
/// The targets of a node: found by chain (a node holds at most one target of a chain) and by id. Lookups are safe on every thread;
/// changes come one at a time. Routing is handed to each target on its own executor.
/// </summary>
public sealed class ReplicaSet
{
    private static readonly Action<object?> _apply = static state =>
    {
        var (replica, source) = ((Replica, IRoutingSource))state!;
        replica.Apply(source.Current);
    };

    private sealed record Picture(
        FrozenDictionary<ChainId, Replica> ByChain, FrozenDictionary<TargetId, Replica> ByTarget, ImmutableArray<Replica> All);

    private volatile Picture _picture = new(
        FrozenDictionary<ChainId, Replica>.Empty, FrozenDictionary<TargetId, Replica>.Empty, []);

    public ImmutableArray<Replica> All => _picture.All;

    public Replica? Find(ChainId chain) => _picture.ByChain.GetValueOrDefault(chain);

    public Replica? Find(TargetId target) => _picture.ByTarget.GetValueOrDefault(target);

    /// <summary>Adds a target; two of one chain on one node would be no replicas at all.</summary>
    public Status Add(Replica replica)
    {
        if (Find(replica.Target) is not null) return new Status(StatusCode.TargetExists, $"target {replica.Target} is already here");
        if (Find(replica.Chain) is { } other)
            return new Status(StatusCode.TargetExists, $"target {replica.Target} is of chain {replica.Chain}, of which this node already holds target {other.Target}");
        var all = _picture.All.Add(replica);
        _picture = new Picture(all.ToFrozenDictionary(r => r.Chain), all.ToFrozenDictionary(r => r.Target), all);
        return Status.Ok;
    }

    /// <summary>Forgets a target that has stopped.</summary>
    public void Remove(Replica replica)
    {
        Invariant.Check(replica.IsStopped, "only a stopped target is forgotten");
        var all = _picture.All.Remove(replica);
        _picture = new Picture(all.ToFrozenDictionary(r => r.Chain), all.ToFrozenDictionary(r => r.Target), all);
    }

    /// <summary>Every target looks at the newest routing, soon, on its own executor.</summary>
    public void RoutingChanged(IRoutingSource source)
    {
        foreach (var replica in All) replica.Services.Executor.Post(_apply, (replica, source));
    }

    /// <summary>What all targets say of themselves, asked on their own executors.</summary>
    public async ValueTask<ImmutableArray<LocalTarget>> ReportAsync()
    {
        var reports = ImmutableArray.CreateBuilder<LocalTarget>();
        foreach (var replica in All)
        {
            await Threading.ExecutorExtensions.Enter(replica.Services.Executor);
            reports.Add(replica.Report());
        }

        return reports.ToImmutable();
    }
}
