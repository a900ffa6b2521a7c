using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Mgmtd.Chains;

namespace ThreeFs.Mgmtd.Tests.Chains;

public sealed class ChainRotationTests
{
    [Theory]
    [InlineData("L1 W2 O3", "L2 O3 O1")]
    [InlineData("L1 O2", "L2 O1")]
    public void Giving_up_the_last_makes_the_next_one_the_authority(string before, string after)
    {
        var next = ChainRotation.GiveUpLast(ChainTransitionTests.Parse(before));
        Assert.Equal(after, ChainTransitionTests.Print(next));
        Assert.Equal(2u, next.Version.Value);
    }

    [Theory]
    [InlineData("L1")]
    [InlineData("S1 O2")]
    public void There_is_nothing_to_give_up(string before)
    {
        var chain = ChainTransitionTests.Parse(before);
        Assert.Same(chain, ChainRotation.GiveUpLast(chain));
    }

    [Theory]
    [InlineData("S2 S1 S3", "1 2 3", "S1 S3 O2")]
    [InlineData("S1 S3 S2", "1 2 3", "S1 S2 O3")]
    [InlineData("S1 S2 S3", "1 2 3", null)]
    [InlineData("S2 Y1", "1 2", null)]
    [InlineData("S2 S1", "", null)]
    [InlineData("L2 O1", "1 2", null)]
    public void Rotation_takes_one_step_towards_the_preferred_order(string before, string order, string? after)
    {
        var chain = ChainTransitionTests.Parse(before) with
        {
            PreferredOrder = [.. order.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(t => new TargetId(ulong.Parse(t)))],
        };
        var next = ChainRotation.TowardsPreferred(chain);
        if (after is null)
        {
            Assert.Same(chain, next);
            return;
        }

        Assert.Equal(after, ChainTransitionTests.Print(next));
        Assert.Equal(2u, next.Version.Value);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Repeated_rotation_reaches_the_preferred_order_from_every_order(int length)
    {
        var ids = Enumerable.Range(1, length).Select(i => new TargetId((ulong)i)).ToArray();
        foreach (var order in ChainTransitionTests.Combinations(ids, length).Where(o => o.Distinct().Count() == length))
        {
            var chain = new ChainInfo(
                new ChainId(1), new ChainVersion(1), [.. order.Select(t => new ChainTarget(t, TargetState.Serving))], [.. ids]);
            for (var step = 0; !chain.Targets.Select(t => t.Id).SequenceEqual(ids); step++)
            {
                Assert.True(step < 8 * length, $"{ChainTransitionTests.Print(chain)} does not get on");
                chain = ChainRotation.TowardsPreferred(chain);
                chain = ChainTransition.Next(chain, [.. chain.Targets.Select(ViewOf)]).Chain;
            }
        }
    }

    private static TargetView ViewOf(ChainTarget target) =>
        target.State is TargetState.Serving or TargetState.Syncing ? TargetView.UpToDate : TargetView.Online;
}
