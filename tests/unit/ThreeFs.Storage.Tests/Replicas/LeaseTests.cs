using ThreeFs.Base;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Storage.Tests.Replicas;

public sealed class LeaseTests
{
    [Fact]
    public void A_lease_that_began_anew_counts_only_with_the_picture_it_began_with()
    {
        var pair = new ReplicaPair();
        var bytes = ReplicaPair.Bytes(1000, 1);
        Assert.Equal(StatusCode.Ok, pair.Write(1, bytes));

        // mgmtd took a target out, hears from its node again, and the node has not heard that.
        pair.Routing = pair.Current.Version.Next;
        Assert.Equal(StatusCode.TargetNotServing, pair.Read(pair.Tail, 1, 1000).Code);
        Assert.Equal(StatusCode.TargetNotServing, pair.Write(1, bytes));
        Assert.Equal(StatusCode.TargetNotServing, pair.Head.QueryLast(new QueryLastRequest(pair.Versioned, ReplicaPair.Id(1).Inode, 0, 9)).Code);
        Assert.Equal(StatusCode.TargetNotServing, pair.Tail.QueryCommitted(new QueryCommittedRequest(pair.Versioned, ReplicaPair.Id(1))).Code);

        pair.Apply(TargetState.Serving, TargetState.Serving);
        Assert.Equal(bytes, pair.Read(pair.Tail, 1, 1000).Bytes);
        Assert.Equal(StatusCode.Ok, pair.Write(1, bytes));
    }
}
