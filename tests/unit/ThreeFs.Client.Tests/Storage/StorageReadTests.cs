using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Client.Storage;
using ThreeFs.Client.Tests.Testing;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Client.Tests.Storage;

public sealed class StorageReadTests
{
    private static readonly ChunkId _chunk = new(new InodeId(0x1000), 3);

    private static byte[] Fill(FakeCluster cluster, int length = 5000)
    {
        var bytes = FakeCluster.Bytes(length, 7);
        cluster.Chunks[(FakeCluster.Chain, _chunk)] = bytes;
        return bytes;
    }

    [Fact]
    public async Task Reads_bytes_and_says_how_many_the_chunk_has()
    {
        await using var cluster = new FakeCluster(3);
        var bytes = Fill(cluster);
        using var lease = cluster.Lease(new byte[4096], out var memory);
        var result = await cluster.Run(cluster.Client.ReadAsync(FakeCluster.Chain, _chunk, 4000, memory));
        Assert.Equal((StatusCode.Ok, 1000u, 5000u), (result.Code, result.Length, result.ChunkLength));
        Assert.Equal(bytes[4000..], memory.Span[..1000].ToArray());
    }

    [Fact]
    public async Task Missing_chunk_is_an_answer_of_the_first_replica_asked()
    {
        await using var cluster = new FakeCluster(3);
        using var lease = cluster.Lease(new byte[16], out var memory);
        var result = await cluster.Run(cluster.Client.ReadAsync(FakeCluster.Chain, _chunk, 0, memory));
        Assert.Equal(StatusCode.ChunkNotFound, result.Code);
        Assert.Single(cluster.Seen);
    }

    [Fact]
    public async Task Dead_replicas_are_passed_over_without_waiting()
    {
        await using var cluster = new FakeCluster(3);
        var bytes = Fill(cluster);
        await cluster.Nodes[0].StopAsync();
        await cluster.Nodes[1].StopAsync();
        using var lease = cluster.Lease(new byte[5000], out var memory);
        for (var i = 0; i < 6; i++)
        {
            var result =
                await cluster.Run(cluster.Client.ReadAsync(FakeCluster.Chain, _chunk, 0, memory), seconds: 0.001);
            Assert.Equal(StatusCode.Ok, result.Code);
            Assert.Equal(bytes, memory.Span.ToArray());
        }

        Assert.True(cluster.Routing.Refreshes > 0);
    }

    [Fact]
    public async Task Silent_replica_costs_one_attempt_and_not_the_operation()
    {
        await using var cluster = new FakeCluster(2);
        Fill(cluster);
        cluster.Nodes[0].Always = Fault.Hang;
        cluster.Nodes[1].Always = Fault.None;
        using var lease = cluster.Lease(new byte[5000], out var memory);
        for (var i = 0; i < 2; i++)
        {
            var result = await cluster.Run(cluster.Client.ReadAsync(FakeCluster.Chain, _chunk, 0, memory), seconds: 4);
            Assert.Equal(StatusCode.Ok, result.Code);
        }
    }

    [Fact]
    public async Task Damaged_bytes_are_never_answered()
    {
        await using var cluster = new FakeCluster(3);
        var bytes = Fill(cluster);
        cluster.Nodes[0].Always = Fault.Corrupt;
        cluster.Nodes[2].Always = Fault.Corrupt;
        using var lease = cluster.Lease(new byte[5000], out var memory);
        for (var i = 0; i < 6; i++)
        {
            var result = await cluster.Run(cluster.Client.ReadAsync(FakeCluster.Chain, _chunk, 0, memory));
            Assert.Equal(StatusCode.Ok, result.Code);
            Assert.Equal(bytes, memory.Span.ToArray());
        }

        Assert.True(cluster.Client.Counters.ChecksumErrors > 0);
        cluster.Nodes[1].Always = Fault.Corrupt;
        var none = await cluster.Run(cluster.Client.ReadAsync(FakeCluster.Chain, _chunk, 0, memory));
        Assert.Equal(StatusCode.ChecksumMismatch, none.Code);
    }

    [Fact]
    public async Task Stale_routing_is_refreshed_and_the_read_repeated_with_the_newer_version()
    {
        await using var cluster = new FakeCluster(2);
        Fill(cluster);
        cluster.RaiseVersions(publish: false);
        cluster.Routing.OnRefresh = () =>
        {
            cluster.Routing.OnRefresh = null;
            cluster.PublishRouting();
        };
        using var lease = cluster.Lease(new byte[5000], out var memory);
        var result = await cluster.Run(cluster.Client.ReadAsync(FakeCluster.Chain, _chunk, 0, memory), seconds: 0.1);
        Assert.Equal(StatusCode.Ok, result.Code);
        Assert.Equal(new ChainVersion(2), cluster.Seen.Last().Chain.Version);
    }

    [Fact]
    public async Task Gives_up_at_the_deadline_with_the_last_failure()
    {
        await using var cluster =
            new FakeCluster(1, options: new StorageClientOptions { Deadline = TimeSpan.FromSeconds(7) });
        Fill(cluster);
        cluster.Nodes[0].Always = Fault.Refuse;
        cluster.Nodes[0].FaultCode = StatusCode.TargetNotServing;
        using var lease = cluster.Lease(new byte[5000], out var memory);
        var started = cluster.Time.GetTimestamp();
        var result = await cluster.Run(cluster.Client.ReadAsync(FakeCluster.Chain, _chunk, 0, memory));
        Assert.Equal(StatusCode.TargetNotServing, result.Code);
        Assert.InRange(cluster.Time.GetElapsedTime(started).TotalSeconds, 6.7, 7);
        Assert.Equal(1, cluster.Client.Counters.Failures);
    }

    [Fact]
    public async Task Error_that_no_retry_heals_comes_back_at_once()
    {
        await using var cluster = new FakeCluster(2);
        foreach (var node in cluster.Nodes) (node.Always, node.FaultCode) = (Fault.Refuse, StatusCode.InvalidArgument);
        using var lease = cluster.Lease(new byte[10], out var memory);
        var result = await cluster.Run(cluster.Client.ReadAsync(FakeCluster.Chain, _chunk, 0, memory), seconds: 0.001);
        Assert.Equal(StatusCode.InvalidArgument, result.Code);
    }

    [Fact]
    public async Task Waits_for_the_first_routing()
    {
        await using var cluster = new FakeCluster(1);
        Fill(cluster);
        var known = cluster.Routing.Current;
        cluster.Routing.Current = RoutingInfo.Empty;
        using var lease = cluster.Lease(new byte[5000], out var memory);
        var reading = cluster.Client.ReadAsync(FakeCluster.Chain, _chunk, 0, memory).AsTask();
        cluster.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.False(reading.IsCompleted);
        cluster.Routing.Current = known;
        Assert.Equal(StatusCode.Ok, (await cluster.Run(new ValueTask<ReadResult>(reading))).Code);
    }

    [Fact]
    public async Task Caller_who_gives_up_gets_cancelled_at_once()
    {
        await using var cluster = new FakeCluster(1);
        cluster.Nodes[0].Always = Fault.Refuse;
        using var give = new CancellationTokenSource();
        using var lease = cluster.Lease(new byte[16], out var memory);
        var reading = cluster.Client.ReadAsync(FakeCluster.Chain, _chunk, 0, memory, ct: give.Token).AsTask();
        Assert.False(reading.IsCompleted);
        await give.CancelAsync();
        Assert.Equal(StatusCode.Cancelled, (await reading).Code);
    }

    [Fact]
    public async Task Spreads_over_replicas_when_none_is_preferred()
    {
        await using var cluster = new FakeCluster(3);
        Fill(cluster);
        using var lease = cluster.Lease(new byte[5000], out var memory);
        for (var i = 0; i < 300; i++) await cluster.Run(cluster.Client.ReadAsync(FakeCluster.Chain, _chunk, 0, memory));
        foreach (var byNode in cluster.Seen.GroupBy(s => s.Node)) Assert.Equal(100, byNode.Count());
    }

    [Fact]
    public async Task Prefers_the_replica_in_its_zone_while_it_answers()
    {
        await using var cluster = new FakeCluster(3, options: new StorageClientOptions { PreferZone = "b" });
        cluster.NodeOf = id => FakeRouting.Node(id, zone: id == 2 ? "b" : "a");
        cluster.PublishRouting();
        Fill(cluster);
        using var lease = cluster.Lease(new byte[5000], out var memory);
        for (var i = 0; i < 10; i++) await cluster.Run(cluster.Client.ReadAsync(FakeCluster.Chain, _chunk, 0, memory));
        Assert.All(cluster.Seen, s => Assert.Equal(2u, s.Node));
        await cluster.Nodes[1].StopAsync();
        var result = await cluster.Run(cluster.Client.ReadAsync(FakeCluster.Chain, _chunk, 0, memory));
        Assert.Equal(StatusCode.Ok, result.Code);
        Assert.NotEqual(2u, cluster.Seen.Last().Node);
    }

    [Fact]
    public async Task Batch_puts_pieces_of_one_replica_into_one_request_and_each_byte_in_its_place()
    {
        await using var cluster = new FakeCluster(1);
        using var lease = cluster.Lease(new byte[64 * 1000], out var memory);
        memory.Span.Fill(0xEE);
        var pieces = new ReadPiece[64];
        for (var i = 0; i < 64; i++)
        {
            var chunk = new ChunkId(new InodeId(9), (ulong)i);
            if (i % 5 != 4)
                cluster.Chunks[(FakeCluster.Chain, chunk)] = FakeCluster.Bytes(i % 3 == 0 ? 400 : 2000, (ulong)i);
            pieces[i] = new ReadPiece(FakeCluster.Chain, chunk, 100, memory.Slice(i * 1000, 1000));
        }

        await cluster.Run(cluster.Client.ReadBatchAsync(pieces, 64));
        Assert.Single(cluster.Seen);
        for (var i = 0; i < 64; i++)
        {
            var expected = i % 5 == 4 ? StatusCode.ChunkNotFound : StatusCode.Ok;
            Assert.Equal(expected, pieces[i].Result.Code);
            if (expected != StatusCode.Ok) continue;
            var length = i % 3 == 0 ? 300 : 1000;
            Assert.Equal((uint)length, pieces[i].Result.Length);
            Assert.Equal(FakeCluster.Bytes(i % 3 == 0 ? 400 : 2000, (ulong)i)[100..(100 + length)],
                pieces[i].Destination[0].Span[..length].ToArray());
        }
    }

    [Fact]
    public async Task Batch_is_split_at_the_limits_of_a_request()
    {
        await using var cluster =
            new FakeCluster(1, options: new StorageClientOptions { MaxBatchOps = 10, MaxBatchBytes = 7000 });
        using var lease = cluster.Lease(new byte[64 * 1000], out var memory);
        var pieces = new ReadPiece[64];
        for (var i = 0; i < 64; i++)
            pieces[i] =
                new ReadPiece(FakeCluster.Chain, new ChunkId(new InodeId(9), (ulong)i), 0,
                    memory.Slice(i * 1000, 1000));
        await cluster.Run(cluster.Client.ReadBatchAsync(pieces, 64));
        Assert.Equal(10, cluster.Seen.Count);
        Assert.All(cluster.Seen, s => Assert.InRange(s.Ops, 1, 7));
    }

    [Theory]
    [InlineData(Fault.Corrupt)]
    [InlineData(Fault.Refuse)]
    [InlineData(Fault.LoseAnswer)]
    public async Task Pieces_that_fail_in_a_batch_are_read_again(Fault fault)
    {
        await using var cluster = new FakeCluster(2, chains: 2);
        using var lease = cluster.Lease(new byte[20 * 1000], out var memory);
        var pieces = new ReadPiece[20];
        for (var i = 0; i < 20; i++)
        {
            var key = (new ChainId((uint)(i % 2 + 1)), new ChunkId(new InodeId(9), (ulong)i));
            cluster.Chunks[key] = FakeCluster.Bytes(1000, (ulong)i);
            pieces[i] = new ReadPiece(key.Item1, key.Item2, 0, memory.Slice(i * 1000, 1000));
        }

        foreach (var node in cluster.Nodes) node.Faults.Enqueue(fault);
        await cluster.Run(cluster.Client.ReadBatchAsync(pieces, 20));
        for (var i = 0; i < 20; i++)
        {
            Assert.Equal(StatusCode.Ok, pieces[i].Result.Code);
            Assert.Equal(FakeCluster.Bytes(1000, (ulong)i), pieces[i].Destination[0].Span.ToArray());
        }
    }

    [Fact]
    public async Task Scattered_destination_is_filled_in_order()
    {
        await using var cluster = new FakeCluster(1);
        var bytes = Fill(cluster);
        using var lease = cluster.Lease(new byte[8192], out var memory);
        var slices = new IoSlices([memory.Slice(5000, 100), memory.Slice(0, 4000), memory.Slice(6000, 900)], 3);
        var result = await cluster.Run(cluster.Client.ReadAsync(FakeCluster.Chain, _chunk, 0, slices));
        Assert.Equal(5000u, result.Length);
        Assert.Equal(bytes[..100], memory.Span.Slice(5000, 100).ToArray());
        Assert.Equal(bytes[100..4100], memory.Span[..4000].ToArray());
        Assert.Equal(bytes[4100..], memory.Span.Slice(6000, 900).ToArray());
    }
}
