using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.Chains;
using ThreeFs.Mgmtd.Ops;
using ThreeFs.Mgmtd.State;
using ThreeFs.Mgmtd.Tests.Chains;
using ThreeFs.Mgmtd.Tests.Support;

namespace ThreeFs.Mgmtd.Tests.Ops;

/// <summary>One target takes another's place: every legal chain, every target of it.</summary>
public sealed class ReplaceTargetTests
{
    private static readonly TargetId _new = new(9);

    public static TheoryData<int> Lengths => [1, 2, 3, 4];

    [Theory]
    [MemberData(nameof(Lengths))]
    public void Only_who_answers_nobody_is_removed(int length)
    {
        foreach (var chain in ChainTransitionTests.LegalChains(length))
        foreach (var target in chain.Targets)
        {
            var result = RemoveTarget.Apply(Cluster(chain), chain.Id, target.Id);
            if (target.State is TargetState.Serving or TargetState.LastServing)
            {
                Assert.Equal(target.State == TargetState.Serving ? StatusCode.Busy : StatusCode.InvalidArgument, result.Code);
                continue;
            }

            var next = Expect.Ok(result).Answer;
            Assert.Null(ChainChecker.Shape(next));
            Assert.Equal(chain.Version.Next, next.Version);
            Assert.Equal(chain.Targets.Where(t => t.Id != target.Id), next.Targets.AsEnumerable());
        }
    }

    [Theory]
    [MemberData(nameof(Lengths))]
    public void A_new_target_gets_the_place_of_the_old_one_and_the_same_again_changes_nothing(int length)
    {
        foreach (var chain in WithAndWithoutOrder(length))
        foreach (var old in chain.Targets)
        {
            var cluster = Expect.Ok(AddTarget.Apply(Cluster(chain), chain.Id, _new, old.Id)).Cluster;
            var next = cluster.Chains[chain.Id];
            Assert.Null(ChainChecker.Shape(next));
            Assert.Equal([.. chain.Targets, new ChainTarget(_new, TargetState.Offline)], next.Targets.AsEnumerable());
            Assert.Equal(chain.Targets.Select(t => t.Id == old.Id ? _new : t.Id), next.PreferredOrder.AsEnumerable());
            Assert.True(next.IsLeaving(old.Id));
            Assert.Equal(chain.Targets.Length, next.Replicas);

            Assert.Same(cluster, Expect.Ok(AddTarget.Apply(cluster, chain.Id, _new, old.Id)).Cluster);
            Assert.Equal(StatusCode.TargetExists, AddTarget.Apply(cluster, chain.Id, new TargetId(8), old.Id).Code);
            Assert.Equal(StatusCode.TargetNotFound, AddTarget.Apply(cluster, chain.Id, new TargetId(8), new TargetId(7)).Code);
        }
    }

    /// <summary>
    /// Whatever the chain's state: while every server does its part the new target serves, then the old one steps down
    /// and is removed, head
    /// or tail, and at no moment fewer targets serve than before it all, until then.
    /// </summary>
    [Theory]
    [MemberData(nameof(Lengths))]
    public void From_every_legal_chain_the_wanted_one_is_reached_without_losing_redundancy(int length)
    {
        foreach (var start in WithAndWithoutOrder(length))
        foreach (var old in start.Targets)
        {
            var cluster = Expect.Ok(AddTarget.Apply(Cluster(start), start.Id, _new, old.Id)).Cluster;
            var wanted = cluster.Chains[start.Id].PreferredOrder;
            var serving = Serving(start);
            for (var round = 0; ; round++)
            {
                var chain = cluster.Chains[start.Id];
                Assert.True(round < 4 * length + 8, $"{ChainTransitionTests.Print(start)} without {old.Id} stays {ChainTransitionTests.Print(chain)}");
                var whole = wanted.All(w => chain.Targets.Any(t => t.Id == w && t.State == TargetState.Serving));
                if (whole && RemoveTarget.Apply(cluster, start.Id, old.Id) is { IsOk: true } removed)
                {
                    cluster = removed.Value.Cluster;
                    break;
                }

                var views = chain.Targets.Select(t => ViewOf(t, stepsDown: whole && t.Id == old.Id)).ToArray();
                cluster = cluster.WithMoved([ChainTransition.Next(chain, views).Chain]);
                serving = whole ? wanted.Length : Math.Max(serving, Serving(chain));
                Assert.True(Serving(cluster.Chains[start.Id]) >= serving, $"{ChainTransitionTests.Print(start)}: fewer serve");
            }

            var end = cluster.Chains[start.Id];
            Assert.All(end.Targets, t => Assert.Equal(TargetState.Serving, t.State));
            Assert.Equal(wanted.Order(), end.Targets.Select(t => t.Id).Order());
            Assert.Equal(wanted, end.PreferredOrder.AsEnumerable());
        }
    }

    [Fact]
    public void A_chain_table_counts_the_targets_a_chain_is_meant_to_have()
    {
        var chain = ChainTransitionTests.Parse("S1 S2") with { PreferredOrder = [new TargetId(1), new TargetId(2)] };
        var cluster = Expect.Ok(AddTarget.Apply(Cluster(chain), chain.Id, _new, new TargetId(1))).Cluster;
        cluster = cluster.With(new ChainInfo(new ChainId(2), new ChainVersion(1), [new(new(21), TargetState.Serving), new(new(22), TargetState.Offline)], []));
        Assert.True(SetChainTable.Apply(cluster, new ChainTableId(1), [chain.Id, new ChainId(2)], "").IsOk);
    }

    private static IEnumerable<ChainInfo> WithAndWithoutOrder(int length) => ChainTransitionTests.LegalChains(length)
        .SelectMany(c => new[] { c, c with { PreferredOrder = [.. c.Targets.Select(t => t.Id)] } });

    private static TargetView ViewOf(ChainTarget target, bool stepsDown) =>
        target.State is TargetState.Serving or TargetState.Syncing && !stepsDown ? TargetView.UpToDate : TargetView.Online;

    private static int Serving(ChainInfo chain) => chain.Targets.Count(t => t.State == TargetState.Serving);

    private static ClusterRecord Cluster(ChainInfo chain) => ClusterRecord.Empty.With(chain);
}
