using ThreeFs.Base;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Meta.Tests.Support;

/// <summary>Routing that changes only when the test says so.</summary>
internal sealed class StaticRouting : IRoutingSource
{
    public RoutingInfo Current { get; set; } = WithChains(8);

    public int Refreshes { get; private set; }

    public void RequestRefresh() => Refreshes++;

    /// <summary>Table 1 with the given number of chains, in versions 1 and 2.</summary>
    public static RoutingInfo WithChains(int count)
    {
        var chains = Enumerable.Range(1, count).Select(i => new ChainId((uint)i)).ToArray();
        return new RoutingInfo(
            new RoutingVersion(7), [], [], [],
            [
                new ChainTable(new ChainTableId(1), new ChainTableVersion(1), [.. chains.Take(count / 2)], ""),
                new ChainTable(new ChainTableId(1), new ChainTableVersion(2), [.. chains], ""),
            ]);
    }
}
