using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Fuse.Tests.Cluster;

public sealed class ClusterHealthTests
{
    [Fact]
    public void A_cluster_that_answers_and_serves_is_well_and_so_is_a_short_silence()
    {
        var routing = Routing(NodeState.Connected, TargetState.Serving, TargetState.Offline);
        Assert.Null(ClusterHealth.Trouble(routing, null));
        Assert.Null(ClusterHealth.Trouble(routing, TimeSpan.FromSeconds(9)));
    }

    [Fact]
    public void What_operations_would_wait_for_is_named()
    {
        var well = Routing(NodeState.Connected, TargetState.Serving);
        Assert.Equal("no cluster manager has answered for 12 s", ClusterHealth.Trouble(well, TimeSpan.FromSeconds(12)));
        Assert.Equal(
            "no metadata server is alive", ClusterHealth.Trouble(Routing(NodeState.Failed, TargetState.Serving), null));
        var waiting = Routing(NodeState.Connected, TargetState.LastServing, TargetState.Waiting);
        Assert.Equal("no target serves of chain 1", ClusterHealth.Trouble(waiting, null));
    }

    private static RoutingInfo Routing(NodeState meta, params TargetState[] targets) => new(
        new RoutingVersion(1),
        [new NodeInfo(new NodeId(101), NodeKind.Meta, "", 1, [], meta, default, ImmutableSortedDictionary<string, string>.Empty)],
        [
            new ChainInfo(
                new ChainId(1), new ChainVersion(1),
                [.. targets.Select((state, i) => new ChainTarget(new TargetId((ulong)i + 1), state))], []),
        ],
        [], []);
}
