using ThreeFs.Base;
using ThreeFs.Client.Storage;
using ThreeFs.Client.Tests.Testing;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Client.Tests.Storage;

public sealed class StorageUpdateTests
{
    private const uint ChunkSize = 1 << 16;
    private static readonly ChunkId _chunk = new(new InodeId(0x1000), 0);

    private static async Task<UpdateResult> WriteAsync(FakeCluster cluster, byte[] bytes, uint offset = 0,
        double seconds = 200)
    {
        using var lease = cluster.Lease(bytes, out var memory);
        return await cluster.Run(cluster.Client.WriteAsync(FakeCluster.Chain, _chunk, offset, memory, ChunkSize),
            seconds);
    }

    [Fact]
    public async Task Writes_through_the_head()
    {
        await using var cluster = new FakeCluster(3);
        var bytes = FakeCluster.Bytes(3000, 1);
        var result = await WriteAsync(cluster, bytes, offset: 500);
        Assert.Equal((StatusCode.Ok, 3500u), (result.Code, result.ChunkLength));
        Assert.Equal(bytes, cluster.Chunks[(FakeCluster.Chain, _chunk)][500..]);
        Assert.Equal(1u, Assert.Single(cluster.Seen).Node);
    }

    [Fact]
    public async Task Lost_answer_is_asked_for_again_with_the_same_channel_and_sequence_and_executed_once()
    {
        await using var cluster = new FakeCluster(1);
        cluster.Nodes[0].Faults.Enqueue(Fault.LoseAnswer);
        cluster.Nodes[0].Faults.Enqueue(Fault.LoseAnswer);
        var executed = 0;
        cluster.Nodes[0].Before = _ => executed++;
        var first = FakeCluster.Bytes(100, 1);
        Assert.Equal(StatusCode.Ok, (await WriteAsync(cluster, first)).Code);
        Assert.Equal(3, executed);
        Assert.Single(cluster.Seen.Select(s => s.Tag).Distinct());

        Assert.Equal(StatusCode.Ok, (await WriteAsync(cluster, FakeCluster.Bytes(100, 2))).Code);
        var tags = cluster.Seen.Select(s => s.Tag).ToArray();
        Assert.Equal(tags[0].Channel, tags[^1].Channel);
        Assert.True(tags[^1].Sequence > tags[0].Sequence);
        Assert.Equal(2, cluster.Chunks.Count + cluster.Channels.Count);
    }

    [Fact]
    public async Task Dead_head_is_waited_out_until_the_chain_has_another()
    {
        await using var cluster = new FakeCluster(3);
        Assert.Equal(StatusCode.Ok, (await WriteAsync(cluster, [1])).Code);
        await cluster.Nodes[0].StopAsync();
        using var lease = cluster.Lease([2], out var memory);
        var writing = cluster.Client.WriteAsync(FakeCluster.Chain, _chunk, 1, memory, ChunkSize).AsTask();
        for (var i = 0; i < 30000; i++) cluster.Time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.False(writing.IsCompleted);
        cluster.TakeOut(cluster.Nodes[0]);
        Assert.Equal(StatusCode.Ok, (await cluster.Run(new ValueTask<UpdateResult>(writing), seconds: 1)).Code);
        Assert.Equal((2u, new ChainVersion(2)), (cluster.Seen.Last().Node, cluster.Seen.Last().Chain.Version));
        Assert.Equal([1, 2], cluster.Chunks[(FakeCluster.Chain, _chunk)]);
    }

    [Fact]
    public async Task Hanging_head_is_left_after_one_attempt_when_the_chain_has_moved_on()
    {
        await using var cluster = new FakeCluster(2);
        cluster.Nodes[0].Faults.Enqueue(Fault.Hang);
        cluster.Nodes[0].Before = _ => cluster.TakeOut(cluster.Nodes[0]);
        Assert.Equal(StatusCode.Ok, (await WriteAsync(cluster, [1], seconds: 6)).Code);
        Assert.Equal(2u, cluster.Seen.Last().Node);
    }

    [Theory]
    [InlineData(StatusCode.NoSpace)]
    [InlineData(StatusCode.InvalidArgument)]
    [InlineData(StatusCode.ChunkSizeMismatch)]
    public async Task Error_that_no_retry_heals_comes_back_at_once(StatusCode code)
    {
        await using var cluster = new FakeCluster(2);
        (cluster.Nodes[0].Always, cluster.Nodes[0].FaultCode) = (Fault.Refuse, code);
        Assert.Equal(code, (await WriteAsync(cluster, [1], seconds: 0.001)).Code);
        Assert.Equal(1024, cluster.Client.Channels.Free);
    }

    [Theory]
    [InlineData(StatusCode.UpdateInProgress)]
    [InlineData(StatusCode.ForwardFailed)]
    [InlineData(StatusCode.TargetNotServing)]
    [InlineData(StatusCode.Overloaded)]
    [InlineData(StatusCode.NotHead)]
    [InlineData(StatusCode.IoError)]
    [InlineData(StatusCode.Cancelled)]
    public async Task Error_that_the_cluster_heals_from_is_repeated(StatusCode code)
    {
        await using var cluster = new FakeCluster(2);
        cluster.Nodes[0].FaultCode = code;
        for (var i = 0; i < 8; i++) cluster.Nodes[0].Faults.Enqueue(Fault.Refuse);
        Assert.Equal(StatusCode.Ok, (await WriteAsync(cluster, [1])).Code);
        Assert.Equal(8, cluster.Client.Counters.Retries);
    }

    [Fact]
    public async Task Failing_disk_is_given_up_on_after_a_bounded_number_of_attempts()
    {
        await using var cluster = new FakeCluster(2, options: new StorageClientOptions { MaxFaults = 5 });
        (cluster.Nodes[0].Always, cluster.Nodes[0].FaultCode) = (Fault.Refuse, StatusCode.IoError);
        Assert.Equal(StatusCode.IoError, (await WriteAsync(cluster, [1])).Code);
        Assert.Equal(6, cluster.Client.Counters.Retries);
    }

    [Fact]
    public async Task Gives_up_at_the_deadline()
    {
        await using var cluster =
            new FakeCluster(1, options: new StorageClientOptions { Deadline = TimeSpan.FromSeconds(20) });
        cluster.Nodes[0].Always = Fault.Hang;
        var started = cluster.Time.GetTimestamp();
        Assert.Equal(StatusCode.DeadlineExceeded, (await WriteAsync(cluster, [1])).Code);
        Assert.InRange(cluster.Time.GetElapsedTime(started).TotalSeconds, 19.5, 20.1);
        Assert.Equal(1024, cluster.Client.Channels.Free);
    }

    [Fact]
    public async Task Updates_in_flight_at_one_time_have_channels_of_their_own_and_the_rest_waits()
    {
        await using var cluster =
            new FakeCluster(1, options: new StorageClientOptions { Channels = 3, MaxWaitingUpdates = 2 });
        cluster.Nodes[0].Always = Fault.Hang;
        using var lease = cluster.Lease([1], out var memory);
        var writes = Enumerable.Range(0, 6)
            .Select(i =>
                cluster.Client.WriteAsync(FakeCluster.Chain, new ChunkId(new InodeId(7), (ulong)i), 0, memory,
                    ChunkSize).AsTask())
            .ToArray();
        Assert.Equal(StatusCode.Overloaded, (await writes[5]).Code);
        Assert.All(writes[..5], w => Assert.False(w.IsCompleted));
        cluster.Nodes[0].Always = Fault.None;
        foreach (var write in writes[..5])
            Assert.Equal(StatusCode.Ok, (await cluster.Run(new ValueTask<UpdateResult>(write))).Code);
        var bySequence = cluster.Seen.GroupBy(s => s.Tag.Channel).ToArray();
        Assert.Equal(3, bySequence.Length);
        Assert.All(bySequence, g => Assert.Equal(g.Select(s => s.Tag.Sequence).Order(), g.Select(s => s.Tag.Sequence)));
    }

    [Fact]
    public async Task Write_that_does_not_fit_its_chunk_is_refused_here()
    {
        await using var cluster = new FakeCluster(1);
        Assert.Equal(StatusCode.InvalidArgument,
            (await WriteAsync(cluster, new byte[100], offset: ChunkSize - 99)).Code);
        Assert.Empty(cluster.Seen);
    }

    [Fact]
    public async Task Truncates_extends_and_removes()
    {
        await using var cluster = new FakeCluster(2);
        await WriteAsync(cluster, FakeCluster.Bytes(1000, 1));
        var extended = await cluster.Run(cluster.Client.ExtendAsync(FakeCluster.Chain, _chunk, 500, ChunkSize));
        Assert.Equal(1000u, extended.ChunkLength);
        var cut = await cluster.Run(cluster.Client.TruncateAsync(FakeCluster.Chain, _chunk, 10, ChunkSize));
        Assert.Equal(10u, cut.ChunkLength);
        Assert.Equal(StatusCode.Ok,
            (await cluster.Run(cluster.Client.RemoveAsync(FakeCluster.Chain, _chunk, ChunkSize))).Code);
        Assert.Empty(cluster.Chunks);
    }
}
