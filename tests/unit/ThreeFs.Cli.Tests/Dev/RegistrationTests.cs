using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Cli.Dev;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Cli.Tests.Dev;

public sealed class RegistrationTests
{
    [Theory]
    [InlineData(201, 70, NodeState.Connected, true)]
    [InlineData(201, 70, NodeState.Failed, false)]
    [InlineData(201, 69, NodeState.Connected, false)]
    [InlineData(202, 70, NodeState.Connected, false)]
    [InlineData(0, 1, NodeState.Failed, true)]
    public void A_process_is_registered_when_routing_shows_it_active_and_not_its_predecessor(
        uint id, int pid, NodeState state, bool registered)
    {
        var node = new NodeInfo(
            new NodeId(201), NodeKind.Storage, "host", 70, [], state, DateTimeOffset.UnixEpoch,
            ImmutableSortedDictionary<string, string>.Empty);
        Assert.Equal(registered, Registration.IsIn(new RoutingInfo(new RoutingVersion(1), [node], [], [], []), id, pid));
    }

    [Theory]
    [InlineData(TargetState.Serving, NodeState.Connected, false)]
    [InlineData(TargetState.Syncing, NodeState.Connected, false)]
    [InlineData(TargetState.Offline, NodeState.Connected, false)]
    [InlineData(TargetState.Offline, NodeState.Failed, true)]
    [InlineData(TargetState.LastServing, NodeState.Failed, true)]
    public void Only_a_target_whose_server_is_known_to_be_gone_is_not_waited_for(TargetState state, NodeState node, bool settled)
    {
        var (target, chain) = (new TargetId(20101), new ChainId(1));
        var routing = new RoutingInfo(
            new RoutingVersion(1),
            [new NodeInfo(new NodeId(201), NodeKind.Storage, "", 1, [], node, default, ImmutableSortedDictionary<string, string>.Empty)],
            [new ChainInfo(chain, new ChainVersion(1), [new ChainTarget(target, state)], [])],
            [new TargetInfo(target, chain, state, LocalTargetState.UpToDate, new NodeId(201), 0, 0, false)],
            []);
        Assert.Equal(settled, new NotServing(chain, target, state, StatusCode.ConnectFailed).IsSettled(routing));
    }
}
