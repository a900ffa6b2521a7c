using System.Collections.Frozen;
using ThreeFs.Base;

namespace ThreeFs.Contracts.Routing;

/// <summary>
/// One immutable picture of the cluster. Holders swap the reference for a newer one and never change it; a request carries the
/// version of the chain it was planned with, so an old picture costs a retry and never correctness.
/// </summary>
public sealed class RoutingInfo
{
    public static readonly RoutingInfo Empty = new(new RoutingVersion(0), [], [], [], []);

    private readonly FrozenDictionary<ChainTableId, ChainTable[]> _tables;

    public RoutingInfo(
        RoutingVersion version,
        IEnumerable<NodeInfo> nodes,
        IEnumerable<ChainInfo> chains,
        IEnumerable<TargetInfo> targets,
        IEnumerable<ChainTable> chainTables)
    {
        Version = version;
        Nodes = nodes.ToFrozenDictionary(n => n.Id);
        Chains = chains.ToFrozenDictionary(c => c.Id);
        Targets = targets.ToFrozenDictionary(t => t.Id);
        _tables = chainTables.GroupBy(t => t.Id)
            .ToFrozenDictionary(g => g.Key, g => g.OrderBy(t => t.Version.Value).ToArray());
    }

    public RoutingVersion Version { get; }
    public FrozenDictionary<NodeId, NodeInfo> Nodes { get; }
    public FrozenDictionary<ChainId, ChainInfo> Chains { get; }
    public FrozenDictionary<TargetId, TargetInfo> Targets { get; }
    public IEnumerable<ChainTable> ChainTables => _tables.Values.SelectMany(t => t);

    /// <summary>A table by version; version 0 means the newest.</summary>
    public ChainTable? ChainTable(ChainTableId id, ChainTableVersion version = default)
    {
        if (!_tables.TryGetValue(id, out var versions)) return null;
        if (version.Value == 0) return versions[^1];
        foreach (var table in versions)
        {
            if (table.Version == version) return table;
        }

        return null;
    }

    /// <summary>The node that holds a target, if it is known and active.</summary>
    public NodeInfo? NodeOf(TargetId target) =>
        Targets.TryGetValue(target, out var info) && Nodes.TryGetValue(info.Node, out var node) ? node : null;
}

/// <summary>Where the newest routing is read; implemented by the mgmtd client, by the simulator and by tests.</summary>
public interface IRoutingSource
{
    /// <summary>Never null; <see cref="RoutingInfo.Empty"/> before the first answer.</summary>
    RoutingInfo Current { get; }

    /// <summary>Asks for a refresh soon, because a peer answered with another version; returns at once.</summary>
    void RequestRefresh();
}
