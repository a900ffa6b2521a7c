using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Transport;
using ThreeFs.Transport.Frames;
using ThreeFs.Transport.Tcp;

namespace ThreeFs.Io.Tests.Transport;

public sealed class TcpTransportTests : TransportContract
{
    private readonly Reactor _client = Reactor.Start("client").Value;
    private readonly Reactor _server = Reactor.Start("server").Value;
    private readonly TcpTransport _transport;
    private readonly TcpTransport _serving;

    public TcpTransportTests()
    {
        var options = new TransportOptions { MaxInFlight = MaxInFlight };
        _transport = new TcpTransport([_client, _server], options);
        _serving = new TcpTransport(_server, options);
    }

    private protected override ITransport Transport => _transport;

    private protected override Endpoint ListenOn => Endpoint.Tcp("127.0.0.1", 0);

    private protected override Endpoint Nobody => Endpoint.Tcp("127.0.0.1", 1);

    private protected override Task PassAsync(TimeSpan time) => Task.CompletedTask;

    private protected override async ValueTask CleanUpAsync()
    {
        await _client.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task A_deadline_in_the_middle_of_an_answer_frees_the_memory_and_keeps_the_connection()
    {
        using var peer = new RawServer();
        await using var connection = (await Transport.ConnectAsync(Endpoint.Tcp("127.0.0.1", peer.Port))).Value;
        using var received = Pool.TryRent(1 << 20)!;
        using var stream = peer.Accept();
        var call = CallAsync(connection, Methods.Echo, [1], receive: received.Memory, timeout: TimeSpan.FromMilliseconds(100));
        var id = RawServer.ReadRequest(stream).CallId;
        RawServer.SendResponse(stream, id, [], 1 << 20);
        stream.Write(new byte[300_000]);
        Assert.Equal(StatusCode.DeadlineExceeded, (await call).Status.Code);
        received.Memory.Span.Fill(7);
        stream.Write(new byte[(1 << 20) - 300_000]);

        var next = CallAsync(connection, Methods.Echo, [2]);
        RawServer.SendResponse(stream, RawServer.ReadRequest(stream).CallId, [5], 0);
        Assert.Equal([5], (await next).Header);
        Assert.Equal(-1, received.Memory.Span.IndexOfAnyExcept((byte)7));
    }

    [Fact]
    public async Task A_peer_that_takes_nothing_until_a_deadline_is_given_up()
    {
        using var peer = new RawServer();
        await using var connection = (await Transport.ConnectAsync(Endpoint.Tcp("127.0.0.1", peer.Port))).Value;
        using var stream = peer.Accept();
        using var sent = Pool.TryRent(64 << 20)!;
        var stuck = CallAsync(connection, Methods.Echo, [1], sent.Memory, timeout: TimeSpan.FromSeconds(2));
        var behind = CallAsync(connection, Methods.Echo, [1], timeout: TimeSpan.FromMilliseconds(20));
        Assert.Equal(StatusCode.DeadlineExceeded, (await behind).Status.Code);
        Assert.Equal(1, connection.InFlight);
        Assert.False(connection.IsBroken);
        Assert.Equal(StatusCode.DeadlineExceeded, (await stuck).Status.Code);
        Assert.True(connection.IsBroken);
    }

    [Fact]
    public async Task A_cancelled_call_that_is_half_sent_completes_when_its_memory_is_free()
    {
        using var peer = new RawServer();
        await using var connection = (await Transport.ConnectAsync(Endpoint.Tcp("127.0.0.1", peer.Port))).Value;
        using var stream = peer.Accept();
        using var sent = Pool.TryRent(64 << 20)!;
        using var cancellation = new CancellationTokenSource();
        var call = CallAsync(connection, Methods.Echo, [1], sent.Memory, ct: cancellation.Token);
        await cancellation.CancelAsync();
        var drained = Task.Run(() => RawServer.ReadRequest(stream));
        Assert.Equal(StatusCode.Cancelled, (await call).Status.Code);
        Assert.Equal(64 << 20, (await drained).PayloadLength);
        Assert.False(connection.IsBroken);
    }

    [Fact]
    public async Task A_reset_by_the_peer_breaks_the_connection()
    {
        using var peer = new RawServer();
        await using var connection = (await Transport.ConnectAsync(Endpoint.Tcp("127.0.0.1", peer.Port))).Value;
        var stream = peer.Accept();
        var call = CallAsync(connection, Methods.Echo, [1]);
        RawServer.ReadRequest(stream);
        stream.Socket.Close(0);
        Assert.Equal(StatusCode.ConnectionLost, (await call).Status.Code);
        Assert.True(connection.IsBroken);
    }

    public static TheoryData<string> Malformations => ["garbage", "magic", "version", "crc", "header length", "payload length",
        "negative", "kind", "flags", "header crc"];

    [Theory]
    [MemberData(nameof(Malformations))]
    public async Task A_peer_that_breaks_the_protocol_is_disconnected(string what)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, Listener.Endpoint.Port);
        var stream = socket.GetStream();
        stream.Write(Malformed(what));
        stream.ReadTimeout = 10_000;
        Assert.Equal(0, stream.Read(new byte[100]));
        await WaitUntilAsync(() => Listener.Connections == 0);
        Assert.Equal(0, Handler.Handled);
        Assert.True(Handler.Closed.TryDequeue(out var closed));
        Assert.Equal(what == "version" ? StatusCode.UnknownFormatVersion : StatusCode.ProtocolError, closed.Reason.Code);
    }

    private static byte[] Malformed(string what)
    {
        var bytes = new byte[FrameHeader.Size + 4];
        var header = new FrameHeader { Kind = FrameKind.Request, Method = Methods.Echo, HeaderLength = 4, TimeoutMilliseconds = 1000 };
        if (what == "kind") header.Kind = FrameKind.Response;
        if (what == "flags") header.Flags = 0x8000;
        if (what == "payload length") header.PayloadLength = TransportLimits.MaxPayload + 1;
        if (what == "negative") header.PayloadLength = -1;
        header.WriteBefore(bytes);
        switch (what)
        {
            case "garbage":
                new SeededRandom(3).NextBytes(bytes);
                break;
            case "magic":
                bytes[0] ^= 1;
                break;
            case "version":
                bytes[4] = FrameHeader.Version + 1;
                break;
            case "crc":
                bytes[10] ^= 1;
                break;
            case "header crc":
                bytes[^1] ^= 1;
                break;
            case "header length":
                BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(20), TransportLimits.MaxHeader + 1);
                BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(44), Crc32C.Compute(bytes.AsSpan(0, 44)));
                break;
        }

        return bytes;
    }

    [Fact]
    public async Task Frames_that_arrive_byte_by_byte_are_understood()
    {
        using var socket = new TcpClient { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, Listener.Endpoint.Port);
        var bytes = new byte[FrameHeader.Size + 2 + 3];
        bytes[^1] = 9;
        new FrameHeader
        {
            Kind = FrameKind.Request, Method = Methods.Echo, CallId = 77, HeaderLength = 2, PayloadLength = 3, ReceiveCapacity = 3,
            TimeoutMilliseconds = 10_000,
        }.WriteBefore(bytes);
        var stream = socket.GetStream();
        foreach (var b in bytes) stream.WriteByte(b);
        var answer = new byte[bytes.Length];
        stream.ReadExactly(answer);
        Assert.Equal(Status.Ok, FrameHeader.TryRead(answer, FrameKind.Response, out var header));
        Assert.Equal(77ul, header.CallId);
        Assert.Equal(9, answer[^1]);
    }

    [Fact]
    public async Task A_call_on_the_reactors_thread_completes_on_it()
    {
        await _client.InvokeAsync(async () =>
        {
            var connection = (await Transport.ConnectAsync(Listener.Endpoint)).Value;
            Assert.True(_client.IsCurrent);
            using (var result = await connection.CallAsync(new Call { Method = Methods.EchoElsewhere })) Assert.True(result.IsOk);
            Assert.True(_client.IsCurrent);
            await connection.DisposeAsync();
            Assert.True(_client.IsCurrent);
        });
    }

    [Fact]
    public async Task Steady_state_calls_allocate_nothing()
    {
        using var sent = Pool.TryRent(1 << 20)!;
        using var received = Pool.TryRent(1 << 20)!;
        await using var one = Serve(out var endpoint);
        await _server.InvokeAsync(async () =>
        {
            // Client and server on one reactor: its thread's count covers both.
            var connection = (await _serving.ConnectAsync(endpoint)).Value;
            foreach (var size in new[] { 0, 4096, 1 << 20 })
            {
                for (var i = 0; i < 200; i++) await Round(connection, size);
                var before = GC.GetAllocatedBytesForCurrentThread();
                for (var i = 0; i < 200; i++) await Round(connection, size);
                Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
            }

            await connection.DisposeAsync();
        });

        [AsyncMethodBuilder(typeof(PooledTaskBuilder<>))]
        async ValueTask<bool> Round(IConnection connection, int size)
        {
            using var result = await connection.CallAsync(new Call
            {
                Method = Methods.Echo,
                Header = [1, 2, 3, 4],
                SendPayload = sent.Memory.Slice(0, size),
                ReceivePayload = received.Memory.Slice(0, size),
                Timeout = TimeSpan.FromSeconds(20),
            });
            return result.IsOk;
        }
    }

    private IListener Serve(out Endpoint endpoint)
    {
        var listener = _serving.Listen(ListenOn, Handler).Value;
        endpoint = listener.Endpoint;
        return listener;
    }

    [Fact]
    public void The_bytes_of_a_frame_are_these()
    {
        var frame = new byte[FrameHeader.Size + 3];
        "abc"u8.CopyTo(frame.AsSpan(FrameHeader.Size));
        new FrameHeader
        {
            Kind = FrameKind.Response, Method = 0x0102, CallId = 0x0304050607080910, Status = StatusCode.ChunkNotFound,
            Flags = FrameHeader.HeaderIsMessage, HeaderLength = 3, PayloadLength = 0x100000, ReceiveCapacity = 0x200000,
            TimeoutMilliseconds = 30_000,
        }.WriteBefore(frame);
        Assert.Equal(
            "33465346" + "01" + "02" + "0201" + "1009080706050403" + "A00F" + "0100" + "03000000" + "00001000"
            + "00002000" + "30750000" + "00000000" + "B73F4B36" + "5A31635B" + "616263",
            Convert.ToHexString(frame));
    }

    /// <summary>A server made of plain sockets, to answer in ways the real one never does.</summary>
    private sealed class RawServer : IDisposable
    {
        private readonly System.Net.Sockets.TcpListener _listener = new(IPAddress.Loopback, 0);

        public RawServer() => _listener.Start();

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public NetworkStream Accept() => _listener.AcceptTcpClient().GetStream();

        public static FrameHeader ReadRequest(NetworkStream stream)
        {
            var bytes = new byte[FrameHeader.Size];
            stream.ReadExactly(bytes);
            Assert.Equal(Status.Ok, FrameHeader.TryRead(bytes, FrameKind.Request, out var header));
            stream.ReadExactly(new byte[header.HeaderLength + header.PayloadLength]);
            return header;
        }

        public static void SendResponse(NetworkStream stream, ulong id, byte[] header, int payloadLength)
        {
            var bytes = new byte[FrameHeader.Size + header.Length];
            header.CopyTo(bytes, FrameHeader.Size);
            new FrameHeader { Kind = FrameKind.Response, CallId = id, HeaderLength = header.Length, PayloadLength = payloadLength }
                .WriteBefore(bytes);
            stream.Write(bytes);
        }

        public void Dispose() => _listener.Dispose();
    }
}
