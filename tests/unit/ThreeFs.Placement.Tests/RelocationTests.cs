using ThreeFs.Base;
using ThreeFs.Contracts.Routing;

namespace ThreeFs.Placement.Tests;

public sealed class RelocationTests
{
    public static TheoryData<int, int, int> Shapes() => new()
    {
        { 4, 3, 3 }, { 4, 6, 3 }, { 5, 6, 3 }, { 6, 5, 3 }, { 7, 3, 3 }, { 10, 9, 3 }, { 4, 4, 2 }, { 9, 8, 4 }, { 20, 12, 3 }, { 50, 6, 3 }, { 2, 5, 1 },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_drained_nodes_targets_go_to_nodes_that_their_chains_do_not_use_and_stay_even(int nodes, int targets, int replicas)
    {
        var routing = Layouts.Routing(nodes, targets, replicas);
        for (var drained = 1; drained <= nodes; drained += 3)
        {
            var leaving = TargetsOf(routing, drained);
            var moves = Relocation.Away(routing, Layouts.Disks(Enumerable.Range(1, nodes).Where(n => n != drained)), leaving).Value;
            Assert.Equal(leaving, moves.Select(m => m.Old).Order());
            var after = Layouts.After(routing, moves, nodes);
            AssertApart(after);
            Assert.Empty(TargetsOf(after, drained));
            var counts = Enumerable.Range(1, nodes).Where(n => n != drained).Select(n => TargetsOf(after, n).Length).ToArray();

            // A node may be in every chain of what is left to place.
            Assert.True(counts.Max() - counts.Min() <= 2, string.Join(" ", counts));
            Assert.Equal(moves.AsEnumerable(), Relocation.Away(routing, Layouts.Disks(Enumerable.Range(1, nodes).Where(n => n != drained)), leaving).Value);
        }
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void A_new_node_gets_its_fair_share_and_nobody_keeps_much_more(int nodes, int targets, int replicas)
    {
        var routing = Layouts.Routing(nodes, targets, replicas);
        var moves = Relocation.Towards(routing, Layouts.Disks(Enumerable.Range(1, nodes + 1)), new NodeId((uint)nodes + 1));
        var after = Layouts.After(routing, moves, nodes + 1);
        AssertApart(after);
        var share = nodes * targets / (nodes + 1);
        Assert.Equal(share, TargetsOf(after, nodes + 1).Length);
        Assert.True(Enumerable.Range(1, nodes).Max(n => TargetsOf(after, n).Length) <= share + 1 + nodes * targets % (nodes + 1));
        Assert.Empty(Relocation.Towards(after, Layouts.Disks(Enumerable.Range(1, nodes + 1)), new NodeId((uint)nodes + 1)));
    }

    [Fact]
    public void Nowhere_to_go_and_no_space_are_said_in_words()
    {
        var routing = Layouts.Routing(3, 2, 3);
        var nowhere = Relocation.Away(routing, Layouts.Disks([1, 2]), TargetsOf(routing, 3));
        Assert.Equal(StatusCode.NoServingTarget, nowhere.Code);
        Assert.Contains("every other storage server", nowhere.Status.Message);
        var full = Relocation.Away(routing, Layouts.Disks([4], free: 15), TargetsOf(routing, 3));
        Assert.Equal(StatusCode.NoSpace, full.Code);
        Assert.True(Relocation.Away(routing, Layouts.Disks([4], free: 20), TargetsOf(routing, 3)).IsOk);
    }

    [Fact]
    public void A_begun_move_goes_on_where_it_was_begun()
    {
        var routing = Layouts.Routing(6, 1, 2);
        var target = TargetsOf(routing, 1)[0];
        var free = Enumerable.Range(1, 6).Select(n => new NodeId((uint)n))
            .Where(n => routing.Chains[routing.Targets[target].Chain].Targets.All(t => routing.Targets[t.Id].Node != n)).ToArray();
        foreach (var node in free)
            Assert.Equal(node, Relocation.Away(routing, Layouts.Disks(Enumerable.Range(1, 6)), [target], _ => node).Value[0].Node);
    }

    [Fact]
    public void Only_the_own_node_of_a_lost_target_may_get_it_again_and_only_if_no_other_can()
    {
        var chain = new ChainInfo(
            new ChainId(1), new ChainVersion(1), [new(new(101), TargetState.Serving), new(new(201), TargetState.Offline)], []);
        var routing = Layouts.Of(3, [chain]);
        Assert.Equal(3u, Relocation.Away(routing, Layouts.Disks([1, 2, 3]), [new TargetId(201)]).Value[0].Node.Value);
        Assert.Equal(2u, Relocation.Away(routing, Layouts.Disks([1, 2]), [new TargetId(201)]).Value[0].Node.Value);
        Assert.Equal(StatusCode.NoServingTarget, Relocation.Away(routing, Layouts.Disks([1, 2]), [new TargetId(101)]).Code);
    }

    [Fact]
    public void Rotation_reaches_the_preferred_order_from_every_order_with_each_target_going_once_at_most_to_the_tail()
    {
        foreach (var order in Permutations([1, 2, 3, 4]))
        {
            var chain = new ChainInfo(
                new ChainId(1), new ChainVersion(1), [.. order.Select(t => new ChainTarget(new TargetId((ulong)t), TargetState.Serving))],
                [.. Enumerable.Range(1, 4).Select(t => new TargetId((ulong)t))]);
            for (var steps = 0; Rotation.Next(chain) is { } next; steps++)
            {
                Assert.True(steps < 12);
                var moved = chain.Targets.First(t => t.Id == next);
                Assert.Null(Rotation.Next(chain with { Targets = [.. chain.Targets.Remove(moved), moved with { State = TargetState.Syncing }] }));
                chain = chain with { Targets = [.. chain.Targets.Remove(moved), moved] };
            }

            Assert.Equal(chain.PreferredOrder.AsEnumerable(), chain.Targets.Select(t => t.Id));
            Assert.Null(Rotation.Next(chain with { PreferredOrder = [] }));
        }
    }

    private static IEnumerable<int[]> Permutations(int[] items) => items.Length == 1
        ? [items]
        : items.SelectMany(i => Permutations([.. items.Where(o => o != i)]).Select(rest => (int[])[i, .. rest]));

    private static TargetId[] TargetsOf(RoutingInfo routing, int node) =>
        [.. routing.Targets.Values.Where(t => t.Node.Value == node).Select(t => t.Id).Order()];

    private static void AssertApart(RoutingInfo routing) => Assert.All(
        routing.Chains.Values, c => Assert.Equal(c.Targets.Length, c.Targets.Select(t => routing.Targets[t.Id].Node).Distinct().Count()));
}
