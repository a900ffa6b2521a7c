using ThreeFs.Base;

namespace ThreeFs.Placement.Tests;

public sealed class ChainPlanTests
{
    public static TheoryData<int, int, int> Shapes()
    {
        var data = new TheoryData<int, int, int>();
        for (var storage = 1; storage <= 8; storage++)
        for (var targets = 1; targets <= 8; targets++)
        for (var replicas = 1; replicas <= storage; replicas++)
        {
            if (storage * targets % replicas == 0) data.Add(storage, targets, replicas);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Chains_use_every_target_once_on_distinct_nodes_with_balanced_heads(int storage, int targets, int replicas)
    {
        var nodes = Enumerable.Range(1, storage)
            .Select(n => (new NodeId((uint)n), (IReadOnlyList<TargetId>)Enumerable.Range(1, targets).Select(t => Target(n, t)).ToArray()))
            .ToArray();
        var chains = ChainPlan.Create(nodes, replicas);

        Assert.Equal(storage * targets / replicas, chains.Length);
        var all = chains.SelectMany(c => c.Targets).ToArray();
        Assert.Equal(all.Length, all.Distinct().Count());
        Assert.Equal(storage * targets, all.Length);
        Assert.All(chains, c => Assert.Equal(replicas, c.Targets.Select(NodeOf).Distinct().Count()));
        var heads = Enumerable.Range(1, storage).Select(n => chains.Count(c => NodeOf(c.Targets[0]) == n)).ToArray();
        Assert.True(heads.Max() - heads.Min() <= 1, $"heads per node: {string.Join(", ", heads)}");
    }

    private static TargetId Target(int node, int index) => new((ulong)(node * 100 + index));

    private static int NodeOf(TargetId target) => (int)(target.Value / 100);
}
