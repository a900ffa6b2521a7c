using Microsoft.Extensions.Time.Testing;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Client.Connections;
using ThreeFs.Client.Storage;
using ThreeFs.Client.Tests.Testing;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;
using ThreeFs.Transport;

namespace ThreeFs.Client.Tests.Storage;

/// <summary>Reads from places that the server told before: without a message, and never with bytes that may be old.</summary>
public sealed class PlacedReadTests : IDisposable
{
    private const int Page = 4096;
    private const uint ChunkLength = 300_000; // its last unit is short

    private readonly FakeTimeProvider _time = new();
    private readonly StubConnection _connection = new();
    private readonly Files _files = new();
    private readonly BufferPool _buffers = new(1 << 22);
    private readonly BufferLease _lease;
    private readonly StorageClient _client;
    private readonly FakeRouting _routing = new();
    private readonly List<int> _reads = []; // pieces of each request
    private readonly List<uint> _asked = []; // lengths of the parts of each question
    private StatusCode _places = StatusCode.Ok;

    public PlacedReadTests()
    {
        _lease = _buffers.TryRent(1 << 20)!;
        var pool = new ConnectionPool(new StubTransport { Ready = _connection }, new ConnectionPoolOptions(), _time, new SeededRandom(1));
        Route(1);
        _client = new StorageClient(pool, _routing, new StorageClientOptions(), default, _time, new SeededRandom(2));
        _connection.LocalFiles = _files;
        _connection.OnCall = Answer;
    }

    private void Route(uint version)
    {
        var target = new TargetInfo(
            new TargetId(1), new ChainId(1), TargetState.Serving, LocalTargetState.UpToDate, new NodeId(1), 0, 0, false);
        var chain = new ChainInfo(new ChainId(1), new ChainVersion(version), [new ChainTarget(target.Id, TargetState.Serving)], []);
        _routing.Current = new RoutingInfo(new RoutingVersion(version), [FakeRouting.Node(1)], [chain], [target], []);
    }

    public void Dispose()
    {
        _lease.Dispose();
        _buffers.Dispose();
    }

    /// <summary>The server: a chunk of zeros, which lies behind the first MiB of its file.</summary>
    private int Answer(ushort method, ReadOnlySpan<byte> header, IoSlices receive, byte[] response, out int payload)
    {
        payload = 0;
        if ((StorageMethod)method == StorageMethod.ReleaseContent) return 0;
        if ((StorageMethod)method == StorageMethod.Places) return AnswerPlaces(header, response);
        Assert.Equal(StatusCode.Ok, StorageCodec.ReadReadPreamble(header, out _, out var count));
        _reads.Add(count);
        for (var i = 0; i < count; i++)
        {
            var op = StorageCodec.ReadReadOp(header[StorageCodec.ReadRequestSize(i)..]);
            var length = Math.Min(op.Length, ChunkLength - Math.Min(ChunkLength, op.Offset));
            StorageCodec.Write(
                response.AsSpan(i * StorageCodec.ReadResultSize),
                new ReadResult(StatusCode.Ok, length, Crc32C.OfZeros(length), ChunkLength, new UpdateVersion(1), new CommitVersion(1)));
        }

        for (var i = 0; i < receive.Count; i++) receive[i].Span.Clear();
        payload = (int)receive.TotalLength;
        return count * StorageCodec.ReadResultSize;
    }

    private int AnswerPlaces(ReadOnlySpan<byte> header, byte[] response)
    {
        Assert.Equal(StatusCode.Ok, ChunkPlace.ReadPreamble(header, out var count));
        var length = 0;
        var units = (ChunkLength + Page - 1) / Page;
        var checksums = Enumerable.Repeat(Crc32C.OfZeros(Page), (int)units - 1).Append(Crc32C.OfZeros(ChunkLength % Page)).ToArray();
        for (var i = 0; i < count; i++)
        {
            var op = StorageCodec.ReadReadOp(header[StorageCodec.ReadRequestSize(i)..]);
            _asked.Add(op.Length);
            var isTold = _places == StatusCode.Ok && op.Length > 0;
            var place = new ChunkPlace
            {
                Code = _places, Valid = ContentLocation.HoldTime, Word = 64, Generation = isTold ? _files.Word : 0, Offset = 1 << 20,
                ChunkLength = ChunkLength, Version = new UpdateVersion(1), Device = 5, Inode = 6, Path = isTold ? "/data"u8 : default,
                Checksums = isTold ? checksums : [],
            };
            place.Write(response.AsSpan(length));
            length += place.Size;
        }

        return length;
    }

    /// <summary>Everything runs inside <see cref="StubConnection.Complete"/>, on this thread.</summary>
    private T Run<T>(Func<ValueTask<T>> operation)
    {
        SynchronizationContext.SetSynchronizationContext(null);
        var task = operation().AsTask();
        while (!task.IsCompleted) _connection.Complete();
        while (_connection.InFlight > 0) _connection.Complete();
        return task.GetAwaiter().GetResult();
    }

    private ReadResult Read(uint offset, int length = Page)
    {
        _lease.Memory.Span[..length].Fill(0xee);
        return Run(() => _client.ReadAsync(new ChainId(1), new ChunkId(new InodeId(1), 0), offset, _lease.Memory.Slice(0, length)));
    }

    private ReadResult[] ReadBatch(params uint[] offsets)
    {
        var pieces = offsets.Select((offset, i) => new ReadPiece(
            new ChainId(1), new ChunkId(new InodeId(1), 0), offset, new IoSlices(_lease.Memory.Slice(i * Page, Page)))).ToArray();
        _lease.Memory.Span.Fill(0xee);
        Run(() => _client.ReadBatchAsync(pieces, pieces.Length));
        return [.. pieces.Select(p => p.Result)];
    }

    /// <summary>The place is known and was used once.</summary>
    private void Learn()
    {
        Read(0);
        Read(Page);
        Assert.Equal([1, 1], _reads);
        Assert.Equal([(uint)ChunkPlace.PartBytes], _asked);
        Assert.Equal((StatusCode.Ok, (uint)Page), (Read(2 * Page).Code, Read(3 * Page).Length));
        Assert.Equal([1, 1], _reads);
        Assert.Equal([(1 << 20) + 2 * Page, (1L << 20) + 3 * Page], _files.Reads.Select(r => r.Offset));
        Assert.Equal((2, 0), (_client.Counters.LocalReads, _client.Counters.LocalFailures));
        _files.Reads.Clear();
        _reads.Clear();
    }

    private void AssertReadByTheServer(ReadResult result)
    {
        Assert.Equal((StatusCode.Ok, (uint)Page, Crc32C.OfZeros(Page)), (result.Code, result.Length, result.Crc));
        Assert.Equal(-1, _lease.Memory.Span[..Page].IndexOfAnyExcept((byte)0));
        Assert.Equal([1], _reads);
    }

    [Fact]
    public void What_was_read_twice_is_read_from_its_place() => Learn();

    [Fact]
    public void The_answer_is_the_servers()
    {
        Learn();
        var result = Read(0, 5 * Page);
        Assert.Equal(new ReadResult(StatusCode.Ok, 5 * Page, Crc32C.OfZeros(5 * Page), ChunkLength, new UpdateVersion(1), new CommitVersion(1)), result);
        const uint last = ChunkLength / Page * Page;
        var end = Read(last - Page, 3 * Page);
        Assert.Equal((ChunkLength - last + Page, Crc32C.OfZeros(ChunkLength - last + Page)), (end.Length, end.Crc));
        Assert.Equal(2 * Page, _files.Reads[^1].Length);
        Assert.Empty(_reads);
        Assert.Equal(0u, Read(last + Page).Length); // behind the chunk's end the server is asked
        Assert.Equal([1], _reads);
    }

    [Fact]
    public void A_chunk_that_changed_before_is_not_read_there()
    {
        Learn();
        _files.Word++;
        AssertReadByTheServer(Read(0));
        Assert.Empty(_files.Reads);
    }

    [Fact]
    public void What_changes_while_the_device_reads_is_not_used()
    {
        Learn();
        _files.Reading = () => _files.Word++;
        AssertReadByTheServer(Read(0));
        Assert.Equal(1, _client.Counters.LocalFailures);
    }

    [Fact]
    public void Nothing_is_used_once_the_server_is_gone()
    {
        Learn();
        _files.Reading = () => _files.IsAlive = false;
        AssertReadByTheServer(Read(0));
    }

    [Fact]
    public void Nothing_is_used_when_the_replica_may_not_be_read_any_more()
    {
        Learn();
        _files.Reading = () => _time.Advance(ContentLocation.HoldTime);
        AssertReadByTheServer(Read(0));
    }

    [Fact]
    public void What_has_another_checksum_is_not_used()
    {
        Learn();
        _files.Spoils = true;
        AssertReadByTheServer(Read(0));
    }

    [Fact]
    public void What_the_device_does_not_bring_is_not_used()
    {
        Learn();
        _files.Result = new Status(StatusCode.IoError);
        AssertReadByTheServer(Read(0));
        Learn2();
        _files.Result = 512;
        _reads.Clear();
        AssertReadByTheServer(Read(0));

        void Learn2()
        {
            _files.Result = null;
            Read(0);
            Read(0);
            _files.Reads.Clear();
            Read(0);
            Assert.Single(_files.Reads);
        }
    }

    [Fact]
    public void A_new_version_of_the_chain_makes_places_worthless()
    {
        Learn();
        Route(2);
        AssertReadByTheServer(Read(0));
        Assert.Empty(_files.Reads);
    }

    [Fact]
    public void The_replica_is_asked_in_time_whether_it_may_still_be_read()
    {
        Learn();
        _asked.Clear();
        for (var i = 0; i < 20; i++)
        {
            _time.Advance(ContentLocation.HoldTime / 4);
            Assert.Equal(StatusCode.Ok, Read(0).Code);
        }

        Assert.Empty(_reads);
        Assert.InRange(_asked.Count, 5, 10);
        Assert.All(_asked, length => Assert.Equal(0u, length));
        _places = StatusCode.TargetNotServing;
        _time.Advance(ContentLocation.HoldTime);
        Read(0);
        Assert.Equal([1], _reads);
    }

    [Fact]
    public void Of_a_batch_each_piece_goes_its_way()
    {
        Learn();
        var far = ChunkLength / Page * Page + Page;
        Assert.All(ReadBatch(0, Page, 2 * Page), r => Assert.Equal((StatusCode.Ok, (uint)Page), (r.Code, r.Length)));
        Assert.Empty(_reads);
        Assert.Equal([Page, 0u, Page], ReadBatch(0, far, 5 * Page).Select(r => r.Length));
        Assert.Equal([1], _reads);
        Assert.Equal(5, _files.Reads.Count);
    }

    [Fact]
    public void A_batch_in_which_the_chunk_changes_is_read_again_whole()
    {
        Learn();
        var left = 2;
        _files.Reading = () => _files.Word += --left == 0 ? 1ul : 0;
        Assert.All(ReadBatch(0, Page, 2 * Page, 3 * Page), r => Assert.Equal((StatusCode.Ok, (uint)Page), (r.Code, r.Length)));
        Assert.Equal(-1, _lease.Memory.Span[..(4 * Page)].IndexOfAnyExcept((byte)0));
        Assert.Equal(4, _reads.Sum() + (int)(_client.Counters.LocalReads - 2));
        Assert.True(_client.Counters.LocalFailures > 0);
    }

    [Fact]
    public void A_batch_whose_server_dies_is_read_again_whole()
    {
        Learn();
        _files.Reading = () => _files.IsAlive = _files.Reads.Count < 3;
        Assert.All(ReadBatch(0, Page, 2 * Page, 3 * Page), r => Assert.Equal((StatusCode.Ok, (uint)Page), (r.Code, r.Length)));
        Assert.Equal(4, _reads.Sum());
        Assert.Equal(2, _client.Counters.LocalReads);
    }

    [Fact]
    public void A_batch_in_which_the_chain_changes_is_read_again_by_the_new_one()
    {
        Learn();
        _files.Reading = () =>
        {
            Route(2);
            _files.Word++; // the target has heard of it too
        };
        Assert.All(ReadBatch(0, Page, 2 * Page), r => Assert.Equal((StatusCode.Ok, (uint)Page), (r.Code, r.Length)));
        Assert.Equal(3, _reads.Sum());
    }

    [Fact]
    public void A_device_that_fails_in_the_middle_of_a_batch_fails_nothing_else()
    {
        Learn();
        _files.Reading = () => _files.Result = _files.Reads.Count == 2 ? new Status(StatusCode.IoError) : null;
        Assert.All(ReadBatch(0, Page, 2 * Page), r => Assert.Equal((StatusCode.Ok, (uint)Page), (r.Code, r.Length)));
        Assert.Equal((1, 2 + 2, 1), (_reads.Sum(), _client.Counters.LocalReads, _client.Counters.LocalFailures));
    }

    [Fact]
    public void A_batch_that_is_given_up_has_an_answer_for_every_piece()
    {
        Learn();
        using var given = new CancellationTokenSource();
        _files.Reading = given.Cancel;
        const uint unknown = ChunkPlace.PartBytes;
        var pieces = new uint[] { 0, unknown }.Select((offset, i) => new ReadPiece(
            new ChainId(1), new ChunkId(new InodeId(1), 0), offset, new IoSlices(_lease.Memory.Slice(i * Page, Page)))).ToArray();
        Run(() => _client.ReadBatchAsync(pieces, pieces.Length, ct: given.Token));
        Assert.Equal(StatusCode.Ok, pieces[0].Result.Code);
        Assert.Equal(StatusCode.Cancelled, pieces[1].Result.Code);
    }

    [Fact]
    public void A_server_that_knows_no_places_is_not_asked_again()
    {
        _connection.OnCall = (ushort method, ReadOnlySpan<byte> header, IoSlices receive, byte[] response, out int payload) =>
        {
            if ((StorageMethod)method == StorageMethod.Places) _connection.Refusal = StatusCode.NotSupported;
            return Answer(method, header, receive, response, out payload);
        };
        for (var i = 0; i < 10; i++) Read(0);
        Assert.Equal(10, _reads.Count);
        Assert.Single(_asked);
    }

    [Fact]
    public void What_cannot_be_told_is_not_asked_for_at_every_read()
    {
        _places = StatusCode.Busy;
        for (var i = 0; i < 100; i++) Read(0);
        Assert.Single(_asked);
        _places = StatusCode.Ok;
        _time.Advance(TimeSpan.FromMilliseconds(100));
        for (var i = 0; i < 3; i++) Read(0);
        Assert.Equal(101, _reads.Count);
        Assert.Equal(2, _files.Reads.Count);
    }

    [Fact]
    public void A_read_from_its_place_allocates_nothing()
    {
        Learn();
        _files.Reads.Capacity = 1 << 20;
        var least = long.MaxValue;
        for (var batch = 0; batch < 5; batch++)
        {
            // Code is compiled anew in some batches; an allocation of every read shows in all of them.
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < 1000; i++)
                Assert.True(_client.ReadAsync(new ChainId(1), new ChunkId(new InodeId(1), 0), 0, _lease.Memory.Slice(0, Page)).IsCompletedSuccessfully);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.Equal(0, least);
        Assert.Empty(_reads);
    }

    [Fact]
    public void What_is_not_whole_pages_of_one_part_goes_to_the_server()
    {
        Learn();
        foreach (var (offset, length, at) in new[] { (1u, Page, 0), (0u, 1000, 0), (0u, Page, 512) })
        {
            _reads.Clear();
            Run(() => _client.ReadAsync(
                new ChainId(1), new ChunkId(new InodeId(1), 0), offset, _lease.Memory.Slice(at, length)));
            Assert.Equal([1], _reads);
        }

        Assert.Empty(_files.Reads);
    }

    /// <summary>A file of zeros, and a word beside it.</summary>
    private sealed class Files : ILocalFiles
    {
        public List<(long Offset, int Length)> Reads { get; } = [];

        public ulong Word { get; set; } = 7;

        public bool IsAlive { get; set; } = true;

        public Action? Reading { get; set; }

        public bool Spoils { get; set; }

        public Result<int>? Result { get; set; }

        public bool IsCurrent => true;

        public ulong WordAt(long offset) => offset == 64 ? Word : 0;

        public bool IsServerAlive() => IsAlive;

        public ValueTask<Result<int>> ReadAsync(in LocalFile file, long offset, IoSlices destination)
        {
            Assert.True(file is { Device: 5, Inode: 6 });
            var length = (int)destination.TotalLength;
            Reads.Add((offset, length));
            for (var i = 0; i < destination.Count; i++) destination[i].Span.Clear();
            if (Spoils) destination[0].Span[100] = 1;
            Reading?.Invoke();
            return new(Result ?? length);
        }
    }
}
