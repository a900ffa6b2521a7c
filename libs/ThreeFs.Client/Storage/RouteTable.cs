using System.Collections.Concurrent;
using ThreeFs.Base;
using ThreeFs.Client.Connections;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Client.Storage;

/// <summary>
/// Chain routes of the newest routing snapshot. A snapshot's routes are made when first asked for and thrown away with
/// it. Thread-safe; looking up a known route allocates nothing.
/// </summary>
internal sealed class RouteTable(IRoutingSource routing, ConnectionPool pool, StorageClientOptions options)
{
    private volatile Snapshot _snapshot = new(RoutingInfo.Empty);

    /// <summary>The chain's route, or null when the newest snapshot does not know the chain.</summary>
    public ChainRoute? Find(ChainId chain)
    {
        var current = routing.Current;
        var snapshot = _snapshot;
        if (!ReferenceEquals(snapshot.Routing, current)) _snapshot = snapshot = new Snapshot(current);
        return snapshot.Routes.TryGetValue(chain, out var route) ? route : Make(snapshot, chain);
    }

    private ChainRoute? Make(Snapshot snapshot, ChainId id)
    {
        if (!snapshot.Routing.Chains.TryGetValue(id, out var chain)) return null;
        var serving = new List<Replica>();
        foreach (var target in chain.Targets)
        {
            if (target.State != TargetState.Serving || serving.Count == ChainRoute.MaxReplicas) break;
            serving.Add(MakeReplica(snapshot.Routing, target.Id));
        }

        var route = new ChainRoute(new VersionedChain(id, chain.Version), snapshot.Routing.Version, [.. serving]);
        return snapshot.Routes.GetOrAdd(id, route);
    }

    private Replica MakeReplica(RoutingInfo from, TargetId target)
    {
        var node = from.NodeOf(target);
        if (node is null) return new Replica(target, default, null, false, false);
        var zone = options.PreferZone.Length != 0 && node.Tags.TryGetValue("TrafficZone", out var tag) ? tag : "";
        var near = (options.PreferHost.Length != 0 && node.HostName == options.PreferHost)
            || (options.PreferZone.Length != 0 && zone == options.PreferZone);
        return new Replica(target, node.Id, pool.Peer(node), node.IsActive, near);
    }

    private sealed class Snapshot(RoutingInfo routing)
    {
        public RoutingInfo Routing { get; } = routing;
        public ConcurrentDictionary<ChainId, ChainRoute> Routes { get; } = new();
    }
}
