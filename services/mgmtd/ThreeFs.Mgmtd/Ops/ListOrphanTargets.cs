using System.Collections.Immutable;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.State;

namespace ThreeFs.Mgmtd.Ops;

/// <summary>Targets that living storage servers report and no chain has, by id.</summary>
internal static class ListOrphanTargets
{
    public static ImmutableArray<TargetInfo> Of(Term term) =>
    [
        .. term.Targets.Values
            .Where(t => t.Alive && !term.Cluster.ChainOf.ContainsKey(t.Id))
            .OrderBy(t => t.Id)
            .Select(t => Snapshots.Of(t, default, TargetState.Offline)),
    ];
}
