using System.Collections.Immutable;
using ThreeFs.Base;
using ThreeFs.Cli.Admin;
using ThreeFs.Cli.Commands.Admin;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Cli.Tests.Admin;

public sealed class NewChainsTests
{
    [Fact]
    public void A_new_cluster_gets_ids_from_one_and_every_disk_its_share()
    {
        var plan = NewChains.Plan(RoutingInfo.Empty, Nodes(disks: 2, 201, 202, 203), targetsPerDisk: 3, replicas: 3).Value;
        Assert.Equal(Enumerable.Range(1, 6).Select(i => new ChainId((uint)i)), plan.Chains.Select(c => c.Id));
        Assert.Equal(18, plan.Targets.Select(t => t.Target).Distinct().Count());
        Assert.All(plan.Targets.GroupBy(t => (t.Node, t.Disk)), disk => Assert.Equal(3, disk.Count()));
        Assert.All(plan.Targets, t => Assert.Equal(t.Node.Value, t.Target.Value / 100));
        Assert.All(plan.Chains, c => Assert.All(c.Targets, t => Assert.Equal(c.Id, plan.Targets.Single(p => p.Target == t).Chain)));
        Assert.All(plan.Chains, c => Assert.Equal(3, c.Targets.Select(t => t.Value / 100).Distinct().Count()));
    }

    [Fact]
    public void Ids_continue_behind_those_in_use_and_the_same_routing_gives_the_same_plan()
    {
        var routing = Routing(Chain(7, (20104, TargetState.Serving), (20201, TargetState.Offline)));
        var plan = NewChains.Plan(routing, Nodes(disks: 1, 201, 202), targetsPerDisk: 1, replicas: 2).Value;
        Assert.Equal(new ChainId(8), Assert.Single(plan.Chains).Id);
        Assert.Equal([new TargetId(20105), new TargetId(20202)], plan.Targets.Select(t => t.Target).Order());
        var again = NewChains.Plan(routing, Nodes(disks: 1, 201, 202), targetsPerDisk: 1, replicas: 2).Value;
        Assert.Equal(plan.Targets.AsEnumerable(), again.Targets);
    }

    [Theory]
    [InlineData(1, 0, 2, "--targets-per-disk 0")]
    [InlineData(1, 1, 0, "--replicas 0")]
    [InlineData(1, 1, 4, "--replicas 4")]
    [InlineData(1, 1, 2, "not used up")]
    [InlineData(2, 50, 3, "more than 99")]
    public void A_plan_that_cannot_work_is_refused_with_the_reason(int disks, int perDisk, int replicas, string reason) =>
        AssertRefused(NewChains.Plan(RoutingInfo.Empty, Nodes(disks, 201, 202, 203), perDisk, replicas).Status, reason);

    [Fact]
    public void Nodes_may_have_different_numbers_of_disks_as_long_as_no_chain_needs_one_twice()
    {
        var nodes = new[] { (new NodeId(201), 2), (new NodeId(202), 1), (new NodeId(203), 1) };
        var plan = NewChains.Plan(RoutingInfo.Empty, nodes, 1, 2).Value;
        Assert.All(plan.Chains, c => Assert.Contains(c.Targets, t => t.Value / 100 == 201));
        Assert.Equal([0, 1], plan.Targets.Where(t => t.Node.Value == 201).Select(t => t.Disk).Order());
        AssertRefused(NewChains.Plan(RoutingInfo.Empty, [.. nodes.Take(2), (new NodeId(203), 3)], 1, 3).Status, "more than once");
    }

    [Fact]
    public void All_storage_servers_are_chosen_but_disabled_ones_and_a_missing_one_is_named()
    {
        var routing = Routing(Node(1, NodeKind.Mgmtd), Node(201, NodeKind.Storage), Node(202, NodeKind.Storage, NodeState.Disabled));
        Assert.Equal([new NodeId(201)], CreateChainsCommand.ChooseNodes(routing, []).Value.AsEnumerable());
        Assert.Contains("no storage server with node id 1", CreateChainsCommand.ChooseNodes(routing, [1]).Status.Message);
        var failed = Routing(Node(201, NodeKind.Storage), Node(203, NodeKind.Storage, NodeState.Failed));
        Assert.Contains("storage server 203 is failed", CreateChainsCommand.ChooseNodes(failed, []).Status.Message);
        Assert.Equal([new NodeId(201)], CreateChainsCommand.ChooseNodes(failed, [201]).Value.AsEnumerable());
    }

    [Theory]
    [InlineData(20101, 1, null)]
    [InlineData(20201, 1, "is lastsrv")]
    [InlineData(20101, 2, "is in chain 1, not 2")]
    [InlineData(20999, 2, null)]
    public void A_target_is_made_anew_only_where_its_chain_does_not_count_on_it(ulong target, uint chain, string? refusal)
    {
        var routing = Routing(Chain(1, (20201, TargetState.LastServing), (20101, TargetState.Offline)));
        var answer = CreateTargetCommand.Refusal(routing, new TargetId(target), new ChainId(chain));
        if (refusal is null) Assert.Null(answer);
        else Assert.Contains(refusal, answer);
    }

    private static void AssertRefused(Status status, string reason)
    {
        Assert.Equal(StatusCode.InvalidArgument, status.Code);
        Assert.Contains(reason, status.Message);
    }

    private static (NodeId Node, int Disks)[] Nodes(int disks, params uint[] ids) => [.. ids.Select(i => (new NodeId(i), disks))];

    private static ChainInfo Chain(uint id, params (ulong Id, TargetState State)[] targets) => new(
        new ChainId(id), new ChainVersion(1), [.. targets.Select(t => new ChainTarget(new TargetId(t.Id), t.State))], []);

    private static NodeInfo Node(uint id, NodeKind kind, NodeState state = NodeState.Connected) => new(
        new NodeId(id), kind, "host", 1, [], state, DateTimeOffset.UnixEpoch, ImmutableSortedDictionary<string, string>.Empty);

    private static RoutingInfo Routing(params ChainInfo[] chains) => new(new RoutingVersion(1), [], chains, [], []);

    private static RoutingInfo Routing(params NodeInfo[] nodes) => new(new RoutingVersion(1), nodes, [], [], []);
}
