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

/// <summary>Reads whose bytes the client takes from the server's device by itself: used only when they are surely right.</summary>
public sealed class LocalReadTests : IDisposable
{
    private const int Length = 128 << 10;
    private const ulong Hold = 77;

    private readonly FakeTimeProvider _time = new();
    private readonly StubConnection _connection = new();
    private readonly Files _files = new();
    private readonly BufferPool _buffers = new(1 << 20);
    private readonly BufferLease _lease;
    private readonly StorageClient _client;
    private readonly List<(StorageMethod Method, ReadFlags Flags)> _seen = [];
    private readonly List<ulong> _released = [];
    private bool _locates = true;
    private uint _shorter;

    public LocalReadTests()
    {
        _lease = _buffers.TryRent(Length)!;
        var pool = new ConnectionPool(new StubTransport { Ready = _connection }, new ConnectionPoolOptions(), _time, new SeededRandom(1));
        var target = new TargetInfo(
            new TargetId(1), new ChainId(1), TargetState.Serving, LocalTargetState.UpToDate, new NodeId(1), 0, 0, false);
        var chain = new ChainInfo(new ChainId(1), new ChainVersion(1), [new ChainTarget(target.Id, TargetState.Serving)], []);
        var routing = new FakeRouting { Current = new RoutingInfo(new RoutingVersion(1), [FakeRouting.Node(1)], [chain], [target], []) };
        _client = new StorageClient(pool, routing, new StorageClientOptions(), default, _time, new SeededRandom(2));
        _connection.LocalFiles = _files;
        _connection.OnCall = Answer;
    }

    public void Dispose()
    {
        _lease.Dispose();
        _buffers.Dispose();
    }

    /// <summary>The server: tells the place of zeros, or brings zeros.</summary>
    private int Answer(ushort method, ReadOnlySpan<byte> header, IoSlices receive, byte[] response, out int payload)
    {
        payload = 0;
        if ((StorageMethod)method == StorageMethod.ReleaseContent)
        {
            Assert.Equal(StatusCode.Ok, ContentLocation.ReadRelease(header, out var hold));
            _released.Add(hold);
            return 0;
        }

        Assert.Equal(StatusCode.Ok, StorageCodec.ReadReadPreamble(header, out var flags, out _));
        _seen.Add(((StorageMethod)method, flags));
        var length = (uint)receive.TotalLength - _shorter;
        var result = new ReadResult(StatusCode.Ok, length, Crc32C.OfZeros(length), length, new UpdateVersion(1), new CommitVersion(1));
        if (_locates && (flags & ReadFlags.MayLocate) != 0)
        {
            new ContentLocation { Hold = Hold, Offset = 8192, Device = 5, Inode = 6, Path = "/data"u8 }.Write(response, result);
            return ContentLocation.SizeOf(5);
        }

        receive[0].Span.Clear();
        payload = (int)length;
        StorageCodec.Write(response, result);
        return StorageCodec.ReadResultSize;
    }

    /// <summary>Everything runs inside <see cref="StubConnection.Complete"/>, on this thread.</summary>
    private async Task<ReadResult> ReadAsync(IoMemory memory)
    {
        SynchronizationContext.SetSynchronizationContext(null);
        memory.Span.Fill(0xee);
        var reading = _client.ReadAsync(new ChainId(1), new ChunkId(new InodeId(1), 0), 4096, memory).AsTask();
        while (!reading.IsCompleted) _connection.Complete();
        _connection.Complete();
        return await reading;
    }

    private Task<ReadResult> ReadAsync() => ReadAsync(_lease.Memory.Slice(0, Length));

    private void AssertReadAgain(in ReadResult result)
    {
        Assert.Equal((StatusCode.Ok, (uint)Length), (result.Code, result.Length));
        Assert.Equal(-1, _lease.Memory.Span.IndexOfAnyExcept((byte)0));
        Assert.Equal([(StorageMethod.Read, ReadFlags.MayLocate), (StorageMethod.Read, ReadFlags.None)], _seen);
        Assert.Equal([Hold], _released);
        Assert.Equal((0, 1), (_client.Counters.LocalReads, _client.Counters.LocalFailures));
    }

    [Fact]
    public async Task Bytes_come_from_the_file_and_the_place_is_given_back()
    {
        var result = await ReadAsync();
        Assert.Equal((StatusCode.Ok, (uint)Length), (result.Code, result.Length));
        Assert.Equal(-1, _lease.Memory.Span.IndexOfAnyExcept((byte)0));
        Assert.Equal([("/data", 5ul, 6ul, 8192L, Length)], _files.Reads);
        Assert.Equal([(StorageMethod.Read, ReadFlags.MayLocate)], _seen);
        Assert.Equal([Hold], _released);
        Assert.Equal((1, Length, 0), (_client.Counters.LocalReads, _client.Counters.LocalBytes, _client.Counters.LocalFailures));
    }

    [Fact]
    public async Task A_chunk_that_ends_within_is_read_to_the_end_of_its_last_unit()
    {
        _shorter = 5000;
        var result = await ReadAsync();
        Assert.Equal((uint)Length - 5000, result.Length);
        Assert.Equal(Length - 4096, _files.Reads.Single().Length);
        Assert.Equal(0xee, _lease.Memory.Span[Length - 4096]);
    }

    [Fact]
    public async Task What_comes_after_the_hold_is_not_used()
    {
        _files.Reading = () => _time.Advance(ContentLocation.HoldTime);
        AssertReadAgain(await ReadAsync());
    }

    [Fact]
    public async Task What_has_another_checksum_is_not_used()
    {
        _files.Spoils = true;
        AssertReadAgain(await ReadAsync());
    }

    [Fact]
    public async Task What_the_file_does_not_have_is_not_used()
    {
        _files.Result = Length - 4096;
        AssertReadAgain(await ReadAsync());
    }

    [Fact]
    public async Task A_device_that_fails_is_left_to_the_server()
    {
        _files.Result = new Status(StatusCode.IoError);
        AssertReadAgain(await ReadAsync());
    }

    [Fact]
    public async Task Nothing_is_used_when_the_server_is_gone()
    {
        SynchronizationContext.SetSynchronizationContext(null);
        _files.Reading = _connection.Break;
        var result = _client.ReadAsync(new ChainId(1), new ChunkId(new InodeId(1), 0), 4096, _lease.Memory.Slice(0, Length)).AsTask();
        while (_seen.Count < 2) _connection.Complete();
        _connection.Complete();
        await result;
        Assert.Equal((0, 1), (_client.Counters.LocalReads, _client.Counters.LocalFailures));
    }

    [Fact]
    public async Task A_server_may_bring_the_bytes_all_the_same()
    {
        _locates = false;
        Assert.Equal(StatusCode.Ok, (await ReadAsync()).Code);
        Assert.Equal([(StorageMethod.Read, ReadFlags.MayLocate)], _seen);
        Assert.Empty(_released);
    }

    [Fact]
    public async Task What_does_not_fit_is_not_asked_for_its_place()
    {
        await ReadAsync(_lease.Memory.Slice(0, ContentLocation.MinLength - 4096));
        await ReadAsync(_lease.Memory.Slice(0, Length - 1));
        await ReadAsync(_lease.Memory.Slice(512, Length - 4096));
        _connection.LocalFiles = null;
        await ReadAsync();
        Assert.All(_seen, s => Assert.Equal(ReadFlags.None, s.Flags));
    }

    /// <summary>A file of zeros.</summary>
    private sealed class Files : ILocalFiles
    {
        public List<(string Path, ulong Device, ulong Inode, long Offset, int Length)> Reads { get; } = [];

        public Action? Reading { get; set; }

        public bool Spoils { get; set; }

        public Result<int>? Result { get; set; }

        public ValueTask<Result<int>> ReadAsync(in LocalFile file, long offset, IoSlices destination)
        {
            var length = (int)destination.TotalLength;
            Reads.Add((System.Text.Encoding.UTF8.GetString(file.Path), file.Device, file.Inode, offset, length));
            for (var i = 0; i < destination.Count; i++) destination[i].Span.Clear();
            if (Spoils) destination[0].Span[100] = 1;
            Reading?.Invoke();
            return new(Result ?? length);
        }
    }
}
