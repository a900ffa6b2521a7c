using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.Chains;
using ThreeFs.Mgmtd.Records;

namespace ThreeFs.Mgmtd.State;

/// <summary>
/// One mgmtd's time as primary: the stored cluster as it is now, and what heartbeats have told since the term began.
/// Built when a lease is won, thrown away when it is lost, so nothing heard under an old lease is believed under a new
/// one. Not thread-safe: every access is under the lock of <see cref="MgmtdCore"/>.
/// </summary>
internal sealed class Term
{
    private readonly MgmtdTiming _timing;
    private readonly TimeSpan _grace;
    private uint _published;

    /// <param name="grace">Nobody is called dead for so long.</param>
    public Term(uint number, NodeId self, ClusterRecord cluster, TimeSpan grace, MgmtdTiming timing, TimeProvider time)
    {
        Number = number;
        Self = self;
        Cluster = cluster;
        _grace = grace;
        _timing = timing;
        Clock = new ObservedClock(time, timing.CheckInterval * 2);
        foreach (var id in cluster.Nodes.Keys) Nodes.Add(id, new LiveNode());
        foreach (var id in cluster.Chains.Keys) Dirty.Add(id);
    }

    public uint Number { get; }
    public NodeId Self { get; }
    public ClusterRecord Cluster { get; private set; }
    public ObservedClock Clock { get; }
    public Dictionary<NodeId, LiveNode> Nodes { get; } = [];
    public Dictionary<TargetId, LiveTarget> Targets { get; } = [];
    public Dictionary<ClientId, LiveSession> Sessions { get; } = [];

    /// <summary>Chains that a report or a timeout may have changed.</summary>
    public HashSet<ChainId> Dirty { get; } = [];

    /// <summary>
    /// Targets that a decision under way treats as dead: nothing may let them live until it is known what became of it.
    /// </summary>
    public HashSet<TargetId> BeingLost { get; } = [];

    /// <summary>Something that routing shows has changed without a stored record changing.</summary>
    public bool UnpublishedNews { get; set; }

    /// <summary>Whether space figures changed since the last snapshot.</summary>
    public bool UnpublishedSpace { get; set; }

    /// <summary>Chains were looked at again after the grace.</summary>
    public bool GraceHandled { get; set; }

    /// <summary>Old enough that a node not heard of is dead.</summary>
    public bool GraceIsOver => Clock.Now >= _grace;

    public bool IsBootstrapping => Clock.Now < _timing.Bootstrapping;

    /// <summary>
    /// Term in the upper half, count of snapshots in the lower: it rises over take-overs without a stored counter, and
    /// a deposed primary cannot produce a number that its successor uses.
    /// </summary>
    public RoutingVersion Version => new(((ulong)Number << 32) | _published);

    public RoutingVersion NextVersion()
    {
        _published++;
        UnpublishedNews = UnpublishedSpace = false;
        return Version;
    }

    /// <summary>Takes a committed cluster in.</summary>
    public void Install(ClusterRecord cluster)
    {
        foreach (var id in cluster.Nodes.Keys) Nodes.TryAdd(id, new LiveNode { LastSeen = Clock.Now });
        foreach (var id in Nodes.Keys.Where(id => !cluster.Nodes.ContainsKey(id)).ToArray()) Nodes.Remove(id);
        foreach (var (id, live) in Targets)
        {
            if (cluster.ChainOf.GetValueOrDefault(id) != Cluster.ChainOf.GetValueOrDefault(id)) live.Forget();
        }

        foreach (var (id, chain) in cluster.Chains)
        {
            if (!Cluster.Chains.TryGetValue(id, out var old) || !ReferenceEquals(old, chain)) Dirty.Add(id);
        }

        Cluster = cluster;
    }

    public TargetView ViewOf(TargetId target, ChainVersion current)
    {
        if (Targets.TryGetValue(target, out var live)) return live.View(current);
        return GraceIsOver ? TargetView.Offline : TargetView.Unknown;
    }

    public NodeState StateOf(NodeRecord node) =>
        node.Id == Self ? NodeState.PrimaryMgmtd
        : node.IsDisabled ? NodeState.Disabled
        : Nodes[node.Id].State;

    public bool IsSilent(TimeSpan lastSeen) => Clock.Now - lastSeen > _timing.FailureTimeout;

    public void MarkDirty(TargetId target)
    {
        if (Cluster.ChainOf.TryGetValue(target, out var chain)) Dirty.Add(chain);
    }
}

/// <param name="LastExtended">On the <see cref="ObservedClock"/>.</param>
internal sealed record LiveSession(ClientSession Session, TimeSpan LastExtended);
