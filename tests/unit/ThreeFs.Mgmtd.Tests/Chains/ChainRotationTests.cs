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
}
