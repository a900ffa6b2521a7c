using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Mgmtd;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.Records;

namespace ThreeFs.Mgmtd.State;

/// <summary>
/// Everything mgmtd keeps in the store, as one immutable value. An operation is a function from one such value to the
/// next; <see cref="ClusterStore"/> writes the difference in one transaction.
/// </summary>
/// <param name="Tables">Every version of every chain table.</param>
/// <param name="Targets">Where targets were reported last; not every target has a record.</param>
/// <param name="Configs">The newest configuration of each kind.</param>
/// <param name="ChainOf">Derived from the chains: a target is in at most one.</param>
internal sealed record ClusterRecord(
    ImmutableSortedDictionary<NodeId, NodeRecord> Nodes,
    ImmutableSortedDictionary<ChainId, ChainInfo> Chains,
    ImmutableSortedDictionary<(ChainTableId Id, ChainTableVersion Version), ChainTable> Tables,
    ImmutableSortedDictionary<TargetId, TargetRecord> Targets,
    ImmutableSortedDictionary<NodeKind, ConfigInfo> Configs,
    ImmutableDictionary<TargetId, ChainId> ChainOf)
{
    public static readonly ClusterRecord Empty = new(
        ImmutableSortedDictionary<NodeId, NodeRecord>.Empty,
        ImmutableSortedDictionary<ChainId, ChainInfo>.Empty,
        ImmutableSortedDictionary<(ChainTableId, ChainTableVersion), ChainTable>.Empty,
        ImmutableSortedDictionary<TargetId, TargetRecord>.Empty,
        ImmutableSortedDictionary<NodeKind, ConfigInfo>.Empty,
        ImmutableDictionary<TargetId, ChainId>.Empty);

    public ClusterRecord With(NodeRecord node) => this with { Nodes = Nodes.SetItem(node.Id, node) };

    /// <summary>Adds or replaces a chain whose targets are in no other one.</summary>
    public ClusterRecord With(ChainInfo chain)
    {
        var chainOf = ChainOf.ToBuilder();
        if (Chains.TryGetValue(chain.Id, out var old))
        {
            foreach (var target in old.Targets) chainOf.Remove(target.Id);
        }

        foreach (var target in chain.Targets)
        {
            Invariant.Check(
                chainOf.TryAdd(target.Id, chain.Id), $"target {target.Id} of chain {chain.Id} is in no other chain");
        }

        return this with { Chains = Chains.SetItem(chain.Id, chain), ChainOf = chainOf.ToImmutable() };
    }

    /// <summary>Replaces chains by versions of themselves with the same targets.</summary>
    public ClusterRecord WithMoved(IEnumerable<ChainInfo> chains) =>
        this with { Chains = Chains.SetItems(chains.Select(c => KeyValuePair.Create(c.Id, c))) };

    public ClusterRecord With(ChainTable table) =>
        this with { Tables = Tables.SetItem((table.Id, table.Version), table) };

    public ClusterRecord With(ConfigInfo config) => this with { Configs = Configs.SetItem(config.Kind, config) };

    public ChainTable? NewestTable(ChainTableId id) =>
        Tables.Values.Where(t => t.Id == id).MaxBy(t => t.Version);

    public Result<ChainInfo> FindChain(ChainId id) =>
        Chains.TryGetValue(id, out var chain) ? chain : new Status(StatusCode.ChainNotFound, $"there is no chain {id}");

    public Result<NodeRecord> FindNode(NodeId id) =>
        Nodes.TryGetValue(id, out var node) ? node : new Status(StatusCode.NodeNotFound, $"there is no node {id}");
}
