using System.Collections.Immutable;
using System.Text;
using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.State;

namespace ThreeFs.Mgmtd.Ops;

/// <summary>
/// Gives a chain table new content. Versions are history that file layouts refer to: the same list of chains keeps the
/// newest version, another list gets the next one, none is ever overwritten.
/// </summary>
internal static class SetChainTable
{
    public static Result<Change<ChainTableVersion>> Apply(
        ClusterRecord cluster, ChainTableId id, ImmutableArray<ChainId> chains, string description)
    {
        if (id.Value == 0) return Bad("0 is no chain table id");
        if (chains.IsDefaultOrEmpty) return Bad($"chain table {id} has no chain");
        if (chains.Length > MgmtdLimits.ChainsPerTable)
            return Bad($"chain table {id} has more than {MgmtdLimits.ChainsPerTable} chains");
        if (Encoding.UTF8.GetByteCount(description) > MgmtdLimits.DescriptionBytes)
            return Bad($"the description is longer than {MgmtdLimits.DescriptionBytes} bytes");
        var seen = new HashSet<ChainId>();
        var replicas = 0;
        foreach (var chainId in chains)
        {
            if (!seen.Add(chainId)) return Bad($"chain table {id} has chain {chainId} twice");
            var found = cluster.FindChain(chainId);
            if (!found.TryGet(out var chain)) return found.Status;
            if (replicas == 0) replicas = chain.Replicas;
            if (chain.Replicas != replicas)
                return Bad($"chain {chainId} has {chain.Replicas} targets, others of chain table {id} have {replicas}");
        }

        var newest = cluster.NewestTable(id);
        if (newest is not null && newest.Chains.SequenceEqual(chains))
            return new Change<ChainTableVersion>(cluster, newest.Version);
        var next = new ChainTable(
            id, newest?.Version.Next ?? new ChainTableVersion(1), chains,
            description.Length == 0 ? newest?.Description ?? "" : description);
        return new Change<ChainTableVersion>(cluster.With(next), next.Version);
    }

    private static Status Bad(string message) => new(StatusCode.InvalidArgument, message);
}
