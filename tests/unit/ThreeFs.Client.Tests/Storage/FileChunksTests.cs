using ThreeFs.Base;
using ThreeFs.Client.Storage;
using ThreeFs.Client.Tests.Testing;
using ThreeFs.Contracts.Meta;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Client.Tests.Storage;

public sealed class FileChunksTests
{
    private const uint ChunkSize = 1 << 16;
    private static readonly InodeId _inode = new(0x1234);
    private static readonly Layout _layout = new(new ChainTableId(1), new ChainTableVersion(1), ChunkSize, 3, 0, 0);

    private static FileChunks Chunks(FakeCluster cluster) => new(cluster.Client, cluster.Routing, cluster.Time);

    private static void Put(FakeCluster cluster, ulong index, int length) =>
        cluster.Chunks[(new ChainId((uint)(index % 3) + 1), new ChunkId(_inode, index))] =
            FakeCluster.Bytes(length, index);

    [Fact]
    public async Task Length_is_the_end_of_the_last_chunk_over_all_chains()
    {
        await using var cluster = new FakeCluster(2, chains: 3);
        Assert.Equal(0, (await cluster.Run(Chunks(cluster).QueryLengthAsync(_inode, _layout, default))).Value);
        Put(cluster, 0, 100);
        Put(cluster, 7, 55);
        Put(cluster, 5, 65536);
        Assert.Equal(7 * 65536 + 55,
            (await cluster.Run(Chunks(cluster).QueryLengthAsync(_inode, _layout, default))).Value);
    }

    [Theory]
    [InlineData(0L)]
    [InlineData(1L)]
    [InlineData(65536L)]
    [InlineData(65537L)]
    [InlineData(150000L)]
    [InlineData(9 * 65536L)]
    [InlineData(20 * 65536L + 5)]
    public async Task Truncated_file_ends_exactly_there_and_keeps_what_is_before(long length)
    {
        await using var cluster = new FakeCluster(2, chains: 3);
        for (var i = 0ul; i < 9; i++) Put(cluster, i, 65536);
        var other = (new ChainId(1), new ChunkId(new InodeId(0x1235), 3));
        cluster.Chunks[other] = [1];
        for (var again = 0; again < 2; again++)
        {
            Assert.Equal(Status.Ok, await cluster.Run(Chunks(cluster).TruncateAsync(
                _inode, _layout, length, new CutOrder(cluster.Time), default)));
            Assert.Equal(length, (await cluster.Run(Chunks(cluster).QueryLengthAsync(_inode, _layout, default))).Value);
        }

        foreach (
            var ((_, chunk), bytes) in cluster.Chunks.Where(c => c.Key.Item2.Inode == _inode && c.Key.Item2.Index < 9))
            Assert.Equal(FakeCluster.Bytes(65536, chunk.Index)[..bytes.Length], bytes);
        Assert.True(cluster.Chunks.ContainsKey(other));
    }

    [Fact]
    public async Task Nothing_is_sent_for_a_truncation_whose_order_is_too_old_and_no_step_is_tried_twice()
    {
        await using var cluster = new FakeCluster(2, chains: 3);
        for (var i = 0ul; i < 9; i++) Put(cluster, i, 65536);
        var order = new CutOrder(cluster.Time) { Version = new TruncateVersion(4) };
        foreach (var node in cluster.Nodes) (node.Always, node.FaultCode) = (Fault.Refuse, StatusCode.ChainVersionMismatch);
        var refused = await cluster.Run(Chunks(cluster).TruncateAsync(_inode, _layout, 5, order, default));
        Assert.Equal(StatusCode.ChainVersionMismatch, refused.Code);
        Assert.Equal(9, cluster.Chunks.Count);
        foreach (var node in cluster.Nodes) node.Always = Fault.None;
        cluster.Time.Advance(CutOrder.Life);
        var late = await cluster.Run(Chunks(cluster).TruncateAsync(_inode, _layout, 5, order, default));
        Assert.Equal(StatusCode.DeadlineExceeded, late.Code);
        Assert.Equal(9, cluster.Chunks.Count);
    }

    [Fact]
    public async Task Removes_everything_in_batches_with_rising_sequences_although_answers_get_lost()
    {
        await using var cluster = new FakeCluster(2, chains: 3, options: new StorageClientOptions { RemoveBatch = 4 });
        for (var i = 0ul; i < 50; i++) Put(cluster, i, 10);
        foreach (var node in cluster.Nodes) node.Faults.Enqueue(Fault.LoseAnswer);
        Assert.Equal(Status.Ok, await cluster.Run(Chunks(cluster).RemoveAsync(_inode, _layout, default)));
        Assert.Empty(cluster.Chunks);
        foreach (var channel in cluster.Seen.GroupBy(s => s.Tag.Channel))
        {
            var sequences = channel.Select(s => s.Tag.Sequence).ToArray();
            for (var i = 1; i < sequences.Length; i++) Assert.True(sequences[i] >= sequences[i - 1] + 4);
        }
    }

    [Fact]
    public async Task Length_of_a_chain_that_does_not_answer_is_a_failure_and_not_a_guess()
    {
        await using var cluster =
            new FakeCluster(1, chains: 3, options: new StorageClientOptions { Deadline = TimeSpan.FromSeconds(3) });
        Put(cluster, 0, 100);
        (cluster.Nodes[0].Always, cluster.Nodes[0].FaultCode) = (Fault.Refuse, StatusCode.TargetNotServing);
        var result = await cluster.Run(Chunks(cluster).QueryLengthAsync(_inode, _layout, default));
        Assert.Equal(StatusCode.TargetNotServing, result.Code);
    }

    [Fact]
    public async Task Waits_for_a_table_that_routing_does_not_show_yet()
    {
        await using var cluster = new FakeCluster(1, chains: 3);
        var known = cluster.Routing.Current;
        cluster.Routing.Current = ThreeFs.Contracts.Routing.RoutingInfo.Empty;
        var asking = Chunks(cluster).QueryLengthAsync(_inode, _layout, default).AsTask();
        cluster.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(asking.IsCompleted);
        cluster.Routing.Current = known;
        Assert.True((await cluster.Run(new ValueTask<Result<long>>(asking))).IsOk);
    }

    [Fact]
    public async Task Space_is_the_share_of_one_replica_on_the_nodes_that_answer()
    {
        await using var cluster = new FakeCluster(3);
        await cluster.Nodes[1].StopAsync();
        var space = (await cluster.Run(Chunks(cluster).SpaceAsync(default))).Value;
        Assert.Equal((40 + 26, 40, 26), (space.CapacityBytes, space.FreeBytes, space.UsedBytes));
    }

    [Fact]
    public async Task Space_of_a_disk_that_several_nodes_use_is_there_once()
    {
        await using var cluster = new FakeCluster(3);
        cluster.DeviceOf = _ => 7;
        var space = (await cluster.Run(Chunks(cluster).SpaceAsync(default))).Value;
        Assert.Equal((20 + 40, 20, 40), (space.CapacityBytes, space.FreeBytes, space.UsedBytes));
    }

    [Fact]
    public async Task Lists_a_replica_page_by_page()
    {
        await using var cluster = new FakeCluster(2);
        for (var i = 0ul; i < 25; i++) cluster.Chunks[(FakeCluster.Chain, new ChunkId(_inode, i))] = new byte[i];
        var seen = new List<ChunkMeta>();
        ChunkId? after = null;
        for (var end = false; !end;)
        {
            var page =
                (await cluster.Run(cluster.Client.Admin.ListChunksAsync(FakeCluster.TargetOf(1, 2), after, 10))).Value;
            seen.AddRange(page.Chunks);
            after = page.Chunks[^1].Chunk;
            end = page.End;
        }

        Assert.Equal(Enumerable.Range(0, 25).Select(i => ((ulong)i, (uint)i)),
            seen.Select(m => (m.Chunk.Index, m.Length)));
    }
}
