using System.Buffers.Binary;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Io.SharedMemory;
using ThreeFs.Io.Sockets;
using ThreeFs.Transport;
using ThreeFs.Transport.Frames;
using ThreeFs.Transport.SharedMemory;

namespace ThreeFs.Io.Tests.Transport;

/// <summary>Peers that write what they must not, take nothing, or die: each costs its own connection and nothing else.</summary>
public sealed class HostileSharedMemoryTests : IAsyncLifetime
{
    private static int _lastPort;

    private readonly Reactor _reactor = Reactor.Start("victim").Value;
    private readonly BufferPool _pool = new(64 << 20);
    private readonly SharedArena _arena = SharedArena.Create("victim", 192 << 20).Value;
    private readonly Endpoint _endpoint = new(SharedMemoryTransport.SharedScheme, $"hostile-{Environment.ProcessId}", Interlocked.Increment(ref _lastPort));
    private readonly SharedMemoryTransport _transport;
    private EchoHandler _handler = null!;

    public HostileSharedMemoryTests()
    {
        var options = new TransportOptions
        {
            ConnectTimeout = TimeSpan.FromMilliseconds(300), SilenceLimit = TimeSpan.FromMilliseconds(300), SharedBytes = 128 << 20,
        };
        _transport = SharedMemoryTransport.Create([_reactor], options, _arena).Value;
    }

    public Task InitializeAsync()
    {
        _handler = new EchoHandler(_pool);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _reactor.DisposeAsync();
        Assert.Equal(0, _transport.OutstandingCopies);
        Assert.Equal(0, _pool.Outstanding);
        _transport.Dispose();
        _arena.Dispose();
        _pool.Dispose();
    }

    private static FrameHeader Request(int payload = 0) =>
        new() { Kind = FrameKind.Request, Method = Methods.Echo, PayloadLength = payload, ReceiveCapacity = payload, TimeoutMilliseconds = 10_000 };

    public static TheoryData<string> Malformations =>
    [
        "tail too far", "tail odd", "empty", "length 0", "length long", "magic", "crc", "kind", "header crc", "extents many", "extents huge",
        "extent outside", "extent negative", "extent wraps", "extent empty", "sum",
    ];

    [Theory]
    [MemberData(nameof(Malformations))]
    public async Task A_client_that_breaks_the_format_is_disconnected(string what)
    {
        var listener = _transport.Listen(_endpoint, _handler).Value;
        await _reactor.InvokeAsync(async () =>
        {
            using var peer = await RawSharedPeer.ConnectAsync(_reactor, _endpoint);
            Spoil(peer, what);
            peer.Ring();
            await peer.WaitForEndAsync();
        });
        while (listener.Connections > 0) await Task.Yield();
        Assert.Equal(0, _handler.Handled);
        Assert.True(_handler.Closed.TryDequeue(out var closed));
        Assert.Equal(StatusCode.ProtocolError, closed.Reason.Code);
        await listener.DisposeAsync();
    }

    private static void Spoil(RawSharedPeer peer, string what)
    {
        byte[] header = [1, 2, 3, 4];
        var entry = RawSharedPeer.Entry(Request(), header);
        var tail = (ulong)entry.Length;
        switch (what)
        {
            case "tail too far":
                tail = SharedLink.RingBytes + 16;
                break;
            case "tail odd":
                tail = 20;
                break;
            case "empty":
                entry = new byte[128];
                tail = 128;
                break;
            case "length 0":
                BinaryPrimitives.WriteInt32LittleEndian(entry, 0);
                break;
            case "length long":
                BinaryPrimitives.WriteInt32LittleEndian(entry, entry.Length + 16);
                tail += 16;
                break;
            case "magic":
                entry[16] ^= 1;
                break;
            case "crc":
                entry[26] ^= 1;
                break;
            case "kind":
                entry = RawSharedPeer.Entry(Request() with { Kind = FrameKind.Response }, header);
                break;
            case "header crc":
                entry[16 + FrameHeader.Size] ^= 1;
                break;
            case "extents many":
                BinaryPrimitives.WriteInt32LittleEndian(entry.AsSpan(4), 1025);
                break;
            case "extents huge":
                BinaryPrimitives.WriteInt32LittleEndian(entry.AsSpan(4), int.MinValue);
                break;
            case "extent outside":
                entry = RawSharedPeer.Entry(Request(4096), header, (peer.ArenaLength - 4095, 4096));
                break;
            case "extent negative":
                entry = RawSharedPeer.Entry(Request(4096), header, (-4096, 4096));
                break;
            case "extent wraps":
                entry = RawSharedPeer.Entry(Request(4096), header, (long.MaxValue - 10, 4096));
                break;
            case "extent empty":
                entry = RawSharedPeer.Entry(Request(4096), header, (0, 4096), (8192, 0));
                break;
            case "sum":
                entry = RawSharedPeer.Entry(Request(4096), header, (0, 4000));
                break;
        }

        if (what.StartsWith("extent ", StringComparison.Ordinal) || what is "sum" or "kind") tail = (ulong)entry.Length;
        peer.Put(entry);
        peer.Set(RawSharedPeer.Tail, tail);
    }

    [Fact]
    public async Task A_client_that_says_it_has_taken_what_was_not_sent_is_disconnected()
    {
        var listener = _transport.Listen(_endpoint, _handler).Value;
        await _reactor.InvokeAsync(async () =>
        {
            using var peer = await RawSharedPeer.ConnectAsync(_reactor, _endpoint);
            var entry = RawSharedPeer.Entry(Request(4096), [1], (0, 4096));
            peer.Put(entry);
            peer.Set(RawSharedPeer.Head, 1 << 20);
            peer.Set(RawSharedPeer.Tail, (ulong)entry.Length);
            peer.Ring();
            await peer.WaitForEndAsync();
        });
        Assert.Equal(1, _handler.Handled);
        await listener.DisposeAsync();
        Assert.True(_handler.Closed.TryDequeue(out var closed));
        Assert.Equal(StatusCode.ProtocolError, closed.Reason.Code);
    }

    [Fact]
    public async Task A_client_whose_memory_may_be_reused_is_not_served()
    {
        var listener = _transport.Listen(_endpoint, _handler).Value;
        await _reactor.InvokeAsync(async () =>
        {
            using var peer = await RawSharedPeer.ConnectAsync(_reactor, _endpoint);
            peer.Put(RawSharedPeer.Entry(Request(4096), [1], (0, 4096)));
            peer.Set(RawSharedPeer.Closed, 1);
            peer.Set(RawSharedPeer.Tail, (ulong)RawSharedPeer.Entry(Request(4096), [1], (0, 4096)).Length);
            peer.Ring();
            await peer.WaitForEndAsync();
        });
        Assert.Equal(0, _handler.Handled);
        await listener.DisposeAsync();
    }

    [Theory]
    [InlineData("silence")]
    [InlineData("garbage")]
    [InlineData("no memory")]
    [InlineData("memory that can be cut")]
    [InlineData("a ring of another size")]
    public async Task A_client_that_shares_no_memory_is_refused(string what)
    {
        var listener = _transport.Listen(_endpoint, _handler).Value;
        await _reactor.InvokeAsync(async () =>
        {
            using var socket = UnixSocket.Connect(_reactor, Handshake.SocketName(_endpoint)).Value;
            using var ring = MemoryFile.Create("raw", what == "a ring of another size" ? 8192 : 4096 + SharedLink.RingBytes).Value;
            using var file = File.OpenHandle(Path.GetTempFileName(), FileMode.Open, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose);
            using var arena = SharedArena.Create("raw", 1 << 20).Value;
            var offer = new byte[16];
            BinaryPrimitives.WriteUInt32LittleEndian(offer, 0x4D534633);
            offer[4] = 1;
            offer[8] = 1;
            BinaryPrimitives.WriteInt32LittleEndian(offer.AsSpan(12), SharedLink.RingBytes);
            if (what == "garbage") socket.Send([1, 2, 3], [ring.Handle, arena.Handle]);
            if (what == "no memory") socket.Send(offer, []);
            if (what == "memory that can be cut") socket.Send(offer, [ring.Handle, (int)file.DangerousGetHandle()]);
            if (what == "a ring of another size") socket.Send(offer, [ring.Handle, arena.Handle]);
            while (await socket.ReceiveAsync() > 0) Assert.Equal(2, socket.Message[8]);
        });
        while (listener.Connections > 0) await Task.Yield();
        Assert.Empty(_handler.Opened);
        await listener.DisposeAsync();
    }

    [Fact]
    public async Task A_server_that_says_nothing_is_given_up()
    {
        var silent = SocketListener.OpenUnix(_reactor, Handshake.SocketName(_endpoint)).Value;
        var connected = await _transport.ConnectAsync(_endpoint);
        Assert.Equal(StatusCode.ConnectFailed, connected.Code);
        Assert.Contains("no answer", connected.Status.Message);
        silent.Dispose();
    }

    [Fact]
    public async Task A_server_that_dies_without_a_word_loses_its_calls()
    {
        await WithRawServerAsync(async (connection, peer) =>
        {
            var call = connection.CallAsync(new Call { Method = Methods.Echo, Header = [1] });
            peer.Die();
            using var result = await call;
            Assert.Equal(StatusCode.ConnectionLost, result.Status.Code);
            Assert.True(connection.IsBroken);
        });
    }

    [Fact]
    public async Task An_answer_written_before_death_counts()
    {
        await WithRawServerAsync(async (connection, peer) =>
        {
            var call = connection.CallAsync(new Call { Method = Methods.Echo, Header = [1] });
            Answer(peer);
            peer.Die();
            using var result = await call;
            Assert.True(result.IsOk);
        });
    }

    [Fact]
    public async Task An_answer_whose_memory_may_have_been_reused_is_lost()
    {
        using var received = _pool.TryRent(4096)!;
        await WithRawServerAsync(async (connection, peer) =>
        {
            var call = connection.CallAsync(new Call { Method = Methods.Echo, Header = [1], ReceivePayload = received.Memory });
            peer.Set(RawSharedPeer.Closed, 1);
            Answer(peer, (0, 4096));
            using var result = await call;
            Assert.Equal(StatusCode.ConnectionLost, result.Status.Code);
        });
    }

    [Fact]
    public async Task An_answer_longer_than_was_asked_for_ends_the_connection()
    {
        using var received = _pool.TryRent(4096)!;
        await WithRawServerAsync(async (connection, peer) =>
        {
            var call = connection.CallAsync(new Call { Method = Methods.Echo, Header = [1], ReceivePayload = received.Memory.Slice(0, 4000) });
            Answer(peer, (0, 4096));
            using var result = await call;
            Assert.Equal(StatusCode.ConnectionLost, result.Status.Code);
        });
    }

    [Fact]
    public async Task A_server_that_takes_nothing_costs_a_deadline_then_the_connection()
    {
        using var sent = _pool.TryRent(4096)!;
        await WithRawServerAsync(async (connection, peer) =>
        {
            // A copy stays until the connection ends, while the caller goes on with his own memory.
            var call = connection.CallAsync(
                new Call { Method = Methods.Echo, Header = [1], SendPayload = sent.Memory, Timeout = TimeSpan.FromMilliseconds(50) });
            using (var result = await call) Assert.Equal(StatusCode.DeadlineExceeded, result.Status.Code);
            Assert.False(connection.IsBroken);
            Assert.Equal(1, _transport.OutstandingCopies);
            await peer.WaitForEndAsync();
            Assert.True(connection.IsBroken);
            Assert.Equal(0, _transport.OutstandingCopies);
        });
    }

    [Fact]
    public async Task Memory_that_a_silent_server_may_still_read_is_not_given_back_while_it_is_connected()
    {
        using var pool = new BufferPool(1 << 20, _arena);
        using var sent = pool.TryRent(4096)!;
        await WithRawServerAsync(async (connection, peer) =>
        {
            var call = connection.CallAsync(
                new Call { Method = Methods.Echo, Header = [1], SendPayload = sent.Memory, Timeout = TimeSpan.FromMilliseconds(50) });
            using var result = await call;
            Assert.Equal(StatusCode.DeadlineExceeded, result.Status.Code);
            Assert.True(connection.IsBroken);
            Assert.Equal(1ul, peer.PeerField(RawSharedPeer.Closed));
        });
    }

    private static void Answer(RawSharedPeer peer, params (long Offset, long Length)[] extents)
    {
        var request = peer.FirstFrame(FrameKind.Request);
        var entry = RawSharedPeer.Entry(
            new FrameHeader { Kind = FrameKind.Response, CallId = request.CallId, PayloadLength = (int)extents.Sum(e => e.Length) }, [9], extents);
        peer.Put(entry);
        peer.Set(RawSharedPeer.Tail, (ulong)entry.Length);
        peer.Ring();
    }

    /// <summary>Runs <paramref name="scene"/> on the reactor with a real client and a server that does what the scene says.</summary>
    private async Task WithRawServerAsync(Func<IConnection, RawSharedPeer, ValueTask> scene)
    {
        using var listener = SocketListener.OpenUnix(_reactor, Handshake.SocketName(_endpoint)).Value;
        await _reactor.InvokeAsync(async () =>
        {
            var connecting = _transport.ConnectAsync(_endpoint);
            using var peer = await RawSharedPeer.AcceptAsync(_reactor, listener);
            var connection = (await connecting).Value;
            await scene(connection, peer);
            await connection.DisposeAsync();
        });
    }
}
