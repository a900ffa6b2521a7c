using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.Tests.Chains;
using ThreeFs.Mgmtd.Tests.Support;

namespace ThreeFs.Mgmtd.Tests.Simulation;

/// <summary>
/// What must hold for whoever looks from outside:
/// <list type="bullet">
/// <item>published versions only rise; a chain with the same version is the same chain, and every chain is well formed;</item>
/// <item>who may answer requests is at every moment a target that the newest chain still has as Serving, or one that no newer
/// authority exists beside: a target taken out of Serving because its server is silent has lost its lease by then;</item>
/// <item>whoever becomes the authority was one in the version before, or was syncing in it.</item>
/// </list>
/// </summary>
internal sealed class SafetyChecker(IReadOnlyList<SimStorage> storages)
{
    private readonly Dictionary<(ChainId, uint), ChainInfo> _versions = [];
    private readonly Dictionary<ChainId, ChainInfo> _newest = [];
    private RoutingInfo _last = RoutingInfo.Empty;

    public List<string> History { get; } = [];

    public void Published(RoutingInfo routing)
    {
        Assert.True(routing.Version > _last.Version);
        _last = routing;
        foreach (var chain in routing.Chains.Values.OrderBy(c => c.Id))
        {
            var broken = ChainChecker.Shape(chain);
            Assert.True(broken is null, $"chain {chain.Id}: {broken}");
            if (_versions.TryGetValue((chain.Id, chain.Version.Value), out var known))
            {
                Assert.Equal(known, chain);
                continue;
            }

            _versions.Add((chain.Id, chain.Version.Value), chain);
            if (_newest.TryGetValue(chain.Id, out var before)) Follows(before, chain);
            _newest[chain.Id] = chain;
            History.Add($"{chain.Id}@{chain.Version}: {ChainTransitionTests.Print(chain)}");
        }
    }

    /// <summary>Several versions may have been published between two looks; then only the version must have risen.</summary>
    private static void Follows(ChainInfo before, ChainInfo after)
    {
        Assert.True(after.Version > before.Version, $"chain {after.Id} went back from {before.Version} to {after.Version}");
        if (after.Version.Value != before.Version.Value + 1) return;
        foreach (var target in after.Targets.Where(t => t.State is TargetState.Serving or TargetState.LastServing))
        {
            var old = before.Targets.First(t => t.Id == target.Id).State;
            Assert.True(
                old is TargetState.Serving or TargetState.LastServing || (old == TargetState.Syncing && target.State == TargetState.Serving),
                $"target {target.Id} went from {old} to {target.State}");
        }
    }

    /// <summary>Nobody answers for a chain that has gone on without him for reasons of silence.</summary>
    public void Check(RoutingInfo routing)
    {
        foreach (var storage in storages)
        {
            foreach (var (target, version) in storage.Serving)
            {
                var chain = routing.Chains.Values.First(c => c.Targets.Any(t => t.Id.Value == target));
                var state = chain.Targets.First(t => t.Id.Value == target).State;
                Assert.True(
                    state == TargetState.Serving,
                    $"target {target} answers for version {version} of chain {chain.Id}, which is {chain.Version}: {ChainTransitionTests.Print(chain)}");
            }
        }
    }
}
