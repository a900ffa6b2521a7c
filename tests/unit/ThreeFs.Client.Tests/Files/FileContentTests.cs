using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Client.Files;
using ThreeFs.Client.Storage;
using ThreeFs.Client.Tests.Testing;
using ThreeFs.Contracts.Meta;
using ThreeFs.Contracts.Storage;

namespace ThreeFs.Client.Tests.Files;

public sealed class FileContentTests
{
    private const int ChunkSize = 1 << 16;

    internal static InodeAttr File(ulong id, long length = 0, uint stripe = 3, uint truncateVersion = 0) => new(
        new InodeId(id), InodeType.File, 0x1A4, 0, 0, 1, length, default, default, default, new TruncateVersion(
            truncateVersion), 0,
        new Layout(new ChainTableId(1), new ChainTableVersion(1), ChunkSize, stripe, 0, 5), default, default, default);

    private static FileContent Open(FakeCluster cluster, InodeAttr attr, bool created = true) =>
        new FileContents(cluster.Client, cluster.Routing, cluster.Time).Open(attr, created).Value;

    [Theory]
    [InlineData(1ul, 1)]
    [InlineData(2ul, 3)]
    [InlineData(3ul, 3)]
    [InlineData(4ul, 2)]
    public async Task Behaves_like_an_array_that_grows(ulong seed, int nodes)
    {
        await using var cluster = new FakeCluster(nodes, chains: 5);
        var random = new SeededRandom(seed);
        var file = Open(cluster, File(0x2000));
        var model = new byte[1 << 20];
        var length = 0;
        using var lease = cluster.Lease(new byte[400_000], out var memory);
        for (var step = 0; step < 150; step++)
        {
            foreach (var node in cluster.Nodes.Where(_ => random.NextBool(0.05)))
                node.Faults.Enqueue((Fault)random.Next(5 - 1));
            var offset = random.Next(600_000);
            var size = random.NextBool(0.5) ? random.Next(1, 5000) : random.Next(1, 300_000);
            var slices = Scatter(memory, size, random);
            if (random.NextBool(0.5))
            {
                var bytes = FakeCluster.Bytes(size, random.NextUInt64());
                slices.CopyFrom(0, bytes);
                var written = await cluster.Run(file.WriteAsync(offset, slices));
                Assert.True(written.IsOk && written.Value == size, $"seed {seed} step {step}: {written}");
                bytes.CopyTo(model, offset);
                length = Math.Max(length, offset + size);
                Assert.Equal(length, file.Length);
            }
            else
            {
                memory.Span.Fill(0xEE);
                var read = await cluster.Run(file.ReadAsync(offset, slices));
                var expected = Math.Clamp(length - offset, 0, size);
                Assert.True(read.IsOk && read.Value == expected, $"seed {seed} step {step}: {read}, not {expected}");
                var got = new byte[size];
                slices.CopyTo(0, got);
                Assert.True(got.AsSpan(0, expected).SequenceEqual(model.AsSpan(offset, expected)),
                    $"seed {seed} step {step}");
            }
        }
    }

    /// <summary>Some pieces of the memory, out of order, that together have the size.</summary>
    private static IoSlices Scatter(IoMemory memory, int size, SeededRandom random)
    {
        if (random.NextBool(0.4)) return memory.Slice(random.Next(50_000), size);
        var cuts =
            Enumerable.Range(0, random.Next(1, 20)).Select(_ =>
                random.Next(size)).Append(0).Append(size).Distinct().Order().ToArray();
        var pieces = cuts.Zip(cuts.Skip(1), (a, b) => memory.Slice(a, b - a)).ToArray();
        random.Shuffle(pieces.AsSpan());
        return new IoSlices(pieces, pieces.Length);
    }

    [Theory]
    [InlineData(0, 6 * ChunkSize)]
    [InlineData(100, 50)]
    [InlineData(100, ChunkSize)]
    [InlineData(ChunkSize - 1, 2 * ChunkSize + 2)]
    [InlineData(2 * ChunkSize, ChunkSize)]
    [InlineData(2 * ChunkSize + 5, 2 * ChunkSize - 5)]
    [InlineData(5 * ChunkSize + 1, 3 * ChunkSize)]
    public async Task A_cleared_range_is_zeros_and_whole_chunks_of_it_are_gone(int offset, int size)
    {
        const int length = 5 * ChunkSize + 200;
        await using var cluster = new FakeCluster(2, chains: 5);
        var file = Open(cluster, File(0x2000));
        using var lease = cluster.Lease(new byte[length], out var memory);
        using var zeros = cluster.Lease(new byte[10_000], out var empty);
        var model = FakeCluster.Bytes(length, 9);
        model.CopyTo(memory.Span);
        await cluster.Run(file.WriteAsync(0, memory));
        Assert.True((await cluster.Run(file.ClearAsync(offset, size, empty))).IsOk);
        model.AsSpan(Math.Min(offset, length), Math.Clamp(length - offset, 0, size)).Clear();
        Assert.Equal(length, (await cluster.Run(file.ReadAsync(0, memory))).Value);
        Assert.True(memory.Span.SequenceEqual(model));
        for (var chunk = 0; chunk < 6; chunk++)
        {
            var inside = offset <= chunk * ChunkSize && offset + size >= (chunk + 1) * ChunkSize;
            var key = (file.Placement.ChainOf((ulong)chunk), new ChunkId(file.Inode, (ulong)chunk));
            Assert.Equal(!inside, cluster.Chunks.ContainsKey(key));
        }
    }

    [Fact]
    public async Task Holes_and_short_chunks_are_zeros_within_the_known_length_and_memory_behind_is_untouched()
    {
        await using var cluster = new FakeCluster(1, chains: 3);
        var file = Open(cluster, File(0x2000, length: 4 * ChunkSize));
        var placement = file.Placement;
        cluster.Chunks[(placement.ChainOf(1), new ChunkId(file.Inode, 1))] = [.. Enumerable.Repeat((byte)7, 100)];
        using var lease = cluster.Lease(new byte[5 * ChunkSize], out var memory);
        memory.Span.Fill(0xEE);
        Assert.Equal(3 * ChunkSize + 10,
            (await cluster.Run(file.ReadAsync(0, memory, knownLength: 3 * ChunkSize + 10))).Value);
        Assert.Equal(new byte[ChunkSize], memory.Span[..ChunkSize].ToArray());
        Assert.All(memory.Span.Slice(ChunkSize, 100).ToArray(), b => Assert.Equal(7, b));
        Assert.Equal(new byte[2 * ChunkSize - 90], memory.Span[(ChunkSize + 100)..(3 * ChunkSize + 10)].ToArray());
        Assert.Equal(0xEE, memory.Span[3 * ChunkSize + 10]);
        Assert.Equal(0, (await cluster.Run(file.ReadAsync(4 * ChunkSize, memory))).Value);
        Assert.Equal(0, (await cluster.Run(file.ReadAsync(long.MaxValue, memory))).Value);
    }

    [Fact]
    public async Task Large_request_is_split_at_chunks_and_pieces_of_a_replica_travel_together()
    {
        await using var cluster = new FakeCluster(1, chains: 3);
        var file = Open(cluster, File(0x2000));
        using var lease = cluster.Lease(FakeCluster.Bytes(100 * ChunkSize, 4), out var memory);
        Assert.Equal(100 * ChunkSize, (await cluster.Run(file.WriteAsync(100, memory))).Value);
        Assert.Equal(101, cluster.Seen.Count);
        Assert.All(cluster.Seen, s => Assert.True(s.Bytes <= ChunkSize));
        cluster.Seen.Clear();
        Assert.Equal(100 * ChunkSize, (await cluster.Run(file.ReadAsync(100, memory))).Value);
        Assert.Equal(2, cluster.Seen.Count);
        Assert.Equal(FakeCluster.Bytes(100 * ChunkSize, 4), memory.Span.ToArray());
    }

    [Fact]
    public async Task Write_that_fails_in_the_middle_answers_the_bytes_before_and_makes_the_next_report_exact()
    {
        await using var cluster = new FakeCluster(1, chains: 3);
        var file = Open(cluster, File(0x2000));
        cluster.Nodes[0].FaultCode = StatusCode.NoSpace;
        cluster.Nodes[0].Faults.Enqueue(Fault.None);
        cluster.Nodes[0].Faults.Enqueue(Fault.None);
        cluster.Nodes[0].Faults.Enqueue(Fault.Refuse);
        using var lease = cluster.Lease(new byte[5 * ChunkSize], out var memory);
        Assert.Equal(2 * ChunkSize - 10, (await cluster.Run(file.WriteAsync(10, memory))).Value);
        Assert.Equal(2 * ChunkSize, file.Length);
        var hint = file.State.Begin(exact: false).Hint;
        Assert.Equal((2 * ChunkSize, true), (hint.WrittenEnd, hint.Exact));

        cluster.Nodes[0].Faults.Enqueue(Fault.Refuse);
        var none = await cluster.Run(file.WriteAsync(0, memory));
        Assert.Equal(StatusCode.NoSpace, none.Code);
        Assert.Contains("chunk 0", none.Status.Message);
    }

    [Fact]
    public async Task Read_that_fails_is_an_error_and_never_zeros()
    {
        await using var cluster = new FakeCluster(1, chains: 3, options: new StorageClientOptions { MaxFaults = 1 });
        var file = Open(cluster, File(0x2000, length: 10 * ChunkSize));
        (cluster.Nodes[0].Always, cluster.Nodes[0].FaultCode) = (Fault.Refuse, StatusCode.IoError);
        using var lease = cluster.Lease(new byte[5 * ChunkSize], out var memory);
        Assert.Equal(StatusCode.IoError, (await cluster.Run(file.ReadAsync(0, memory.Slice(0, 10)))).Code);
        Assert.Equal(StatusCode.IoError, (await cluster.Run(file.ReadAsync(0, memory))).Code);
    }

    [Fact]
    public async Task Refuses_what_no_file_can_be()
    {
        await using var cluster = new FakeCluster(1, chains: 3);
        var file = Open(cluster, File(0x2000));
        using var lease = cluster.Lease(new byte[10], out var memory);
        Assert.Equal(StatusCode.FileTooLarge,
            (await cluster.Run(file.WriteAsync(FileContent.MaxLength - 9, memory))).Code);
        Assert.Equal(StatusCode.InvalidArgument, (await cluster.Run(file.WriteAsync(-1, memory))).Code);
        Assert.Equal(StatusCode.InvalidArgument, (await cluster.Run(file.ReadAsync(-1, memory))).Code);
        Assert.Equal(0, (await cluster.Run(file.WriteAsync(5, default))).Value);
        Assert.Equal(0, file.Length);
    }

    [Fact]
    public async Task Flush_covers_exactly_the_chains_written_and_a_failed_one_is_repeated()
    {
        await using var cluster = new FakeCluster(1, chains: 3, options: new StorageClientOptions { MaxFaults = 0 });
        var file = Open(cluster, File(0x2000));
        using var lease = cluster.Lease(new byte[10], out var memory);
        await cluster.Run(file.WriteAsync(0, memory));
        await cluster.Run(file.WriteAsync(ChunkSize, memory));
        (cluster.Nodes[0].Always, cluster.Nodes[0].FaultCode) = (Fault.Refuse, StatusCode.IoError);
        Assert.Equal(StatusCode.IoError, (await cluster.Run(file.FlushAsync())).Code);
        cluster.Nodes[0].Always = Fault.None;
        cluster.Seen.Clear();
        Assert.Equal(Status.Ok, await cluster.Run(file.FlushAsync()));
        Assert.Equal(2, Assert.Single(cluster.Seen).Ops);
        Assert.Equal(Status.Ok, await cluster.Run(file.FlushAsync()));
        Assert.Single(cluster.Seen);
    }

    [Fact]
    public async Task Second_flush_waits_for_the_chains_that_the_first_one_took()
    {
        await using var cluster = new FakeCluster(1, chains: 3);
        var file = Open(cluster, File(0x2000));
        using var lease = cluster.Lease(new byte[10], out var memory);
        await cluster.Run(file.WriteAsync(0, memory));
        cluster.Nodes[0].Faults.Enqueue(Fault.Hang);
        var first = file.FlushAsync().AsTask();
        var second = file.FlushAsync().AsTask();
        Assert.False(second.IsCompleted);
        Assert.Equal(Status.Ok, await cluster.Run(new ValueTask<Status>(first)));
        Assert.Equal(Status.Ok, await second);
    }

    [Fact]
    public async Task File_that_was_there_before_is_flushed_on_all_its_chains()
    {
        await using var cluster = new FakeCluster(1, chains: 5);
        var file = Open(cluster, File(0x2000, length: 5), created: false);
        Assert.Equal(Status.Ok, await cluster.Run(file.FlushAsync()));
        Assert.Equal(3, Assert.Single(cluster.Seen).Ops);
    }

    [Fact]
    public async Task Everything_written_is_flushed_although_its_file_is_no_longer_known()
    {
        await using var cluster = new FakeCluster(2, chains: 5);
        var contents = new FileContents(cluster.Client, cluster.Routing, cluster.Time);
        using var lease = cluster.Lease(new byte[10], out var memory);
        for (var i = 0ul; i < 4; i++)
            await cluster.Run(contents.Open(File(0x2000 + i, stripe: 1), created: true).Value.WriteAsync(0, memory));
        cluster.Seen.Clear();
        Assert.Equal(Status.Ok, await cluster.Run(contents.FlushAllAsync(default)));
        Assert.Equal(2, cluster.Seen.Count);
        Assert.All(cluster.Seen, s => Assert.Equal(1, s.Ops));
        Assert.Equal(Status.Ok, await cluster.Run(contents.FlushAllAsync(default)));
        Assert.Equal(2, cluster.Seen.Count);
    }

    /// <summary>Also where the file's own mark is there from before: of others' writes, or of one that was flushed with all.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Every_write_is_flushed_with_everything(bool created)
    {
        await using var cluster = new FakeCluster(1, chains: 5);
        var contents = new FileContents(cluster.Client, cluster.Routing, cluster.Time);
        using var lease = cluster.Lease(new byte[10], out var memory);
        var file = contents.Open(File(0x2000, stripe: 1), created).Value;
        for (var round = 0; round < 2; round++)
        {
            await cluster.Run(file.WriteAsync(0, memory));
            cluster.Seen.Clear();
            Assert.Equal(Status.Ok, await cluster.Run(contents.FlushAllAsync(default)));
            Assert.Single(cluster.Seen);
        }
    }
}
