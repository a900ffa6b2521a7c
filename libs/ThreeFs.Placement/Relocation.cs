using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Placement;

/// <summary>A disk that may get targets.</summary>
/// <param name="FreeBytes">What chunks can still take.</param>
public sealed record StorageDisk(NodeId Node, int Index, long FreeBytes);

/// <summary>A target's place is taken by a new one on another disk.</summary>
/// <param name="Bytes">What has to be copied, as far as is known.</param>
public sealed record TargetMove(ChainId Chain, TargetId Old, NodeId Node, int Disk, long Bytes);

/// <summary>
/// Where targets go that leave a disk or node, and which ones a new node takes over. Never to a node that the chain
/// already uses; to the
/// node with the fewest targets, and among those to the one that has fewest chains in common with the chain's other
/// nodes, so that a
/// balanced placement stays as balanced as one node more or less allows. Pure and greedy: the same arguments give the
/// same moves.
/// </summary>
public sealed class Relocation
{
    private readonly RoutingInfo _routing;
    private readonly ILookup<NodeId, StorageDisk> _disks;
    private readonly Dictionary<NodeId, int> _targets = [];
    private readonly Dictionary<(NodeId, int), int> _onDisk = [];
    private readonly Dictionary<(NodeId, int), long> _free = [];
    private readonly Dictionary<(NodeId, NodeId), int> _common = [];

    /// <summary>By chain: the nodes of its targets, those planned included and those that left taken away.</summary>
    private readonly Dictionary<ChainId, List<NodeId>> _nodes = [];

    private Relocation(RoutingInfo routing, IReadOnlyList<StorageDisk> disks)
    {
        _routing = routing;
        _disks = disks.ToLookup(d => d.Node);
        foreach (var disk in disks) _free[(disk.Node, disk.Index)] = disk.FreeBytes;
        foreach (var node in _disks) _targets[node.Key] = 0;
        foreach (var chain in routing.Chains.Values)
        {
            _nodes[chain.Id] = [];
            foreach (var target in chain.Targets)
            {
                if (!routing.Targets.TryGetValue(target.Id, out var info) || info.Node.Value == 0) continue;
                if (chain.IsLeaving(target.Id))
                {
                    // It is in the way of another one until it is out, and counts no more.
                    _nodes[chain.Id].Add(info.Node);
                    continue;
                }

                var disk = (info.Node, info.DiskIndex);
                _onDisk[disk] = _onDisk.GetValueOrDefault(disk) + 1;
                Join(chain.Id, info.Node);
            }
        }
    }

    /// <summary>A new place for each of the targets.</summary>
    /// <param name="disks">Where they may go.</param>
    /// <param name="prefer">A node that already holds an unused target of the chain, if one does: a move that was begun
    /// goes on there.</param>
    public static Result<ImmutableArray<TargetMove>> Away(
        RoutingInfo routing, IReadOnlyList<StorageDisk> disks, IEnumerable<TargetId> targets,
        Func<ChainId, NodeId?>? prefer = null)
    {
        var plan = new Relocation(routing, disks);
        var moves = ImmutableArray.CreateBuilder<TargetMove>();
        foreach (var target in targets.OrderBy(t => routing.Targets[t].Chain).ThenBy(t => t))
        {
            var info = routing.Targets[target];
            var move = plan.Place(info, prefer?.Invoke(info.Chain));
            if (!move.TryGet(out var placed)) return move.Status;
            moves.Add(placed);
        }

        return moves.ToImmutable();
    }

    /// <summary>The targets that a node takes over from the ones with most, until it has its fair share.</summary>
    /// <param name="disks">Of all nodes that share; those of <paramref name="node"/> among them.</param>
    public static ImmutableArray<TargetMove> Towards(RoutingInfo routing, IReadOnlyList<StorageDisk> disks, NodeId node)
    {
        var plan = new Relocation(routing, disks);
        var sharing = plan._disks.Select(d => d.Key).ToArray();
        var share = sharing.Sum(n => plan._targets[n]) / sharing.Length;
        var moves = ImmutableArray.CreateBuilder<TargetMove>();
        while (plan._targets[node] < share && plan.Take(node, share) is { } move) moves.Add(move);
        return moves.ToImmutable();
    }

    /// <summary>One more target for a node, from one that has more than its share.</summary>
    private TargetMove? Take(NodeId node, int share)
    {
        var best = _routing.Targets.Values
            .Where(t => IsWhole(t.Chain) && t.Node != node && _nodes[t.Chain].Contains(t.Node))
            .Where(t => _targets.GetValueOrDefault(t.Node) > share)
            .Where(t => !_nodes[t.Chain].Contains(node) && DiskFor(node, BytesOf(t)) is not null)
            .OrderByDescending(t => _targets[t.Node])
            .ThenBy(t => _nodes[t.Chain].Where(n => n != t.Node).Sum(n => Common(n, node)))
            .ThenByDescending(t => _nodes[t.Chain].Where(n => n != t.Node).Sum(n => Common(n, t.Node)))
            .ThenBy(t => t.Id)
            .FirstOrDefault();
        if (best is null) return null;
        Leave(best.Chain, best.Node);
        return Give(best, node);
    }

    private Result<TargetMove> Place(TargetInfo target, NodeId? preferred)
    {
        var bytes = BytesOf(target);

        // A target that is gone for good leaves its node free for another one of the chain; one that lives does not,
        // but counts no more.
        Leave(target.Chain, target.Node);
        var others = _nodes[target.Chain];
        var free = _disks.Select(d => d.Key)
            .Where(n => !others.Contains(n) && (n != target.Node || target.State == TargetState.Offline)).ToArray();
        if (free.Length == 0)
        {
            return new Status(
                StatusCode.NoServingTarget,
                $"target {target.Id} of chain {target.Chain} has nowhere to go: every other storage server that may "
                + "be used already holds a replica of it; add a server first"
                + (target.State == TargetState.Offline
                    ? $", or name another or mended disk of node {target.Node} with --to NODE/DISK"
                    : ""));
        }

        var fitting = free.Where(n => DiskFor(n, bytes) is not null).ToArray();
        if (fitting.Length == 0)
        {
            return new Status(
                StatusCode.NoSpace,
                $"target {target.Id} of chain {target.Chain} holds {new ByteSize(bytes)}, which no disk has free "
                + "that may get it; add a server or disk first");
        }

        var node = preferred is { } begun && fitting.Contains(begun)
            ? begun
            : fitting.OrderBy(n => n == target.Node).ThenBy(n => _targets[n]).ThenBy(n => others.Sum(o => Common(o, n)))
                .ThenByDescending(n => _disks[n].Max(d => _free[(n, d.Index)])).ThenBy(n => n).First();
        return Give(target, node);
    }

    private TargetMove Give(TargetInfo target, NodeId node)
    {
        var bytes = BytesOf(target);
        var disk = DiskFor(node, bytes)!;
        _free[(node, disk.Index)] -= bytes;
        _onDisk[(node, disk.Index)] = _onDisk.GetValueOrDefault((node, disk.Index)) + 1;
        Join(target.Chain, node);
        return new TargetMove(target.Chain, target.Id, node, disk.Index, bytes);
    }

    private StorageDisk? DiskFor(NodeId node, long bytes) => _disks[node]
        .Where(d => _free[(node, d.Index)] >= bytes)
        .OrderBy(d => _onDisk.GetValueOrDefault((node, d.Index)))
        .ThenByDescending(d => _free[(node, d.Index)]).ThenBy(d => d.Index)
        .FirstOrDefault();

    /// <summary>A lost one has what the others of its chain have.</summary>
    private long BytesOf(TargetInfo target) => _routing.Chains[target.Chain].Targets
        .Max(t => _routing.Targets.TryGetValue(t.Id, out var info) ? info.UsedBytes : 0);

    private bool IsWhole(ChainId chain) => _routing.Chains[chain] is var info
        && info.Targets.All(t => t.State == TargetState.Serving && !info.IsLeaving(t.Id));

    private int Common(NodeId a, NodeId b) => _common.GetValueOrDefault((a, b));

    private void Join(ChainId chain, NodeId node)
    {
        _targets[node] = _targets.GetValueOrDefault(node) + 1;
        Meet(chain, node, 1);
        _nodes[chain].Add(node);
    }

    private void Leave(ChainId chain, NodeId node)
    {
        if (!_nodes[chain].Remove(node)) return;
        _targets[node]--;
        Meet(chain, node, -1);
    }

    private void Meet(ChainId chain, NodeId node, int change)
    {
        foreach (var other in _nodes[chain])
        {
            _common[(node, other)] = Common(node, other) + change;
            _common[(other, node)] = _common[(node, other)];
        }
    }
}
