using ThreeFs.Base;
using ThreeFs.Client.Storage;
using ThreeFs.Client.Tests.Testing;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Client.Tests.Storage;

public sealed class FlushTests
{
    private static readonly ChainId[] _all = [new(1), new(2), new(3), new(2)];

    [Fact]
    public async Task Every_serving_replica_is_asked_once_for_all_its_chains()
    {
        await using var cluster = new FakeCluster(3, chains: 3);
        Assert.Equal(Status.Ok, await cluster.Run(cluster.Client.FlushAsync(_all)));
        Assert.All(cluster.Nodes, n => Assert.Equal(1, n.Flushes));
        Assert.All(cluster.Seen, s => Assert.Equal(3, s.Ops));
    }

    [Fact]
    public async Task Replica_that_dies_is_waited_for_until_it_is_no_longer_in_the_chain()
    {
        await using var cluster = new FakeCluster(3, chains: 3);
        await cluster.Nodes[2].StopAsync();
        var flushing = cluster.Client.FlushAsync(_all).AsTask();
        for (var i = 0; i < 10000; i++) cluster.Time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.False(flushing.IsCompleted);
        cluster.TakeOut(cluster.Nodes[2]);
        Assert.Equal(Status.Ok, await cluster.Run(new ValueTask<Status>(flushing), seconds: 1));
        Assert.Equal(new ChainVersion(2), cluster.Seen.Last().Chain.Version);
    }

    [Fact]
    public async Task Chain_that_changed_is_flushed_again_everywhere()
    {
        await using var cluster = new FakeCluster(2, chains: 1);
        cluster.RaiseVersions(publish: false);
        cluster.Routing.OnRefresh = cluster.PublishRouting;
        Assert.Equal(Status.Ok, await cluster.Run(cluster.Client.FlushAsync(_all.AsMemory(0, 1)), seconds: 1));
        Assert.Equal(2,
            cluster.Seen.Count(s => s.Method == StorageMethod.Flush && s.Chain.Version == new ChainVersion(2)));
    }

    [Fact]
    public async Task Replica_that_cannot_flush_is_an_error_in_the_end()
    {
        await using var cluster = new FakeCluster(2, options: new StorageClientOptions { MaxFaults = 3 });
        (cluster.Nodes[1].Always, cluster.Nodes[1].FaultCode) = (Fault.Refuse, StatusCode.IoError);
        var status = await cluster.Run(cluster.Client.FlushAsync(_all.AsMemory(0, 1)));
        Assert.Equal(StatusCode.IoError, status.Code);
    }
}
