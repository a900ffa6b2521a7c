using System.Net.Sockets;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Io.Tests.Transport;
using ThreeFs.Transport;
using ThreeFs.Transport.Rdma;
using ThreeFs.Transport.Rdma.Verbs;

namespace ThreeFs.Rdma.Tests;

/// <summary>Peers that hang, lie or vanish: the others go on, and no byte lands where it should not.</summary>
public sealed class RdmaFaultTests : RdmaPair
{
    private static Task<StatusCode> EchoAsync(IConnection connection, IoMemory memory) => EchoAsync(connection, memory, memory);

    private static async Task<StatusCode> EchoAsync(IConnection connection, IoMemory sent, IoMemory received, TimeSpan timeout = default)
    {
        using var result = await connection.CallAsync(
            new Call { Method = Methods.Echo, SendPayload = sent, ReceivePayload = received, Timeout = timeout });
        var code = result.Status.Code;
        await Task.Yield();
        return code;
    }

    [Fact]
    public async Task A_server_that_hangs_loses_the_connection_and_its_late_bytes_reach_nobody()
    {
        await using var connection = await ConnectAsync();
        using var memory = Pool.TryRent(1 << 20)!;
        using var sent = Pool.TryRent(1 << 20)!;
        sent.Memory.Span.Fill(1);
        Assert.Equal(StatusCode.Ok, await EchoAsync(connection, sent.Memory, memory.Memory));
        using var release = new ManualResetEventSlim();
        using var stopped = new ManualResetEventSlim();
        Server.Post(_ =>
        {
            stopped.Set();
            release.Wait();
        }, null);
        stopped.Wait();
        try
        {
            Assert.Equal(
                StatusCode.DeadlineExceeded, await EchoAsync(connection, sent.Memory, memory.Memory, TimeSpan.FromSeconds(1)));
            Assert.True(connection.IsBroken);
            memory.Memory.Span.Fill(7);
        }
        finally
        {
            release.Set();
        }

        while (Listener.Connections > 0) await Task.Yield();
        Assert.Equal(-1, memory.Memory.Span.IndexOfAnyExcept((byte)7));
        await using var another = await ConnectAsync();
        Assert.Equal(StatusCode.Ok, await EchoAsync(another, memory.Memory));
    }

    [Fact]
    public async Task Keys_that_are_wrong_end_the_connection_of_who_named_them()
    {
        await using var good = await ConnectAsync();
        await using var peer = await RawPeer.ConnectAsync(Client, Calling, Listener.Endpoint.Port);
        var message = new RdmaMessage
        {
            Kind = RdmaMessageKind.Request,
            Method = Methods.Echo,
            CallId = 1,
            SendSlices = 1,
            PayloadLength = 4096,
            TimeoutMilliseconds = 1000,
        };
        var bytes = new byte[message.Length];
        message.Write(bytes);
        var slice = new RemoteSlice { Address = 4096, Length = 4096, Key = 0xdead };
        System.Runtime.InteropServices.MemoryMarshal.Write(bytes.AsSpan(RdmaMessage.Size), slice);
        await peer.SendAsync(bytes);
        Assert.False((await peer.Broken).IsOk);
        using var memory = Pool.TryRent(4096)!;
        Assert.Equal(StatusCode.Ok, await EchoAsync(good, memory.Memory));
        Assert.Equal(1, Handler.Handled);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_reaches_no_memory_of_the_server(bool isWrite)
    {
        await using var peer = await RawPeer.ConnectAsync(Client, Calling, Listener.Endpoint.Port);
        using var own = Pool.TryRent(4096)!;
        using var secret = Pool.TryRent(4096)!;
        secret.Memory.Span.Fill(42);
        own.Memory.Span.Fill(1);
        RemoteSlice theirs;
        unsafe
        {
            // The key with which the process, itself a client of others, opens this memory to those.
            var path = RdmaPath.Find(RdmaDevice.All, System.Net.IPAddress.Parse(TestAddress.Host))!;
            var key = Memory.Find(path.Device, RdmaDomain.Calls, secret.Memory)->RemoteKey;
            theirs = new RemoteSlice { Address = (ulong)secret.Memory.Address, Length = 4096, Key = key };
        }

        await peer.TouchAsync(isWrite ? IbOpcode.RdmaWrite : IbOpcode.RdmaRead, own.Memory.Slice(0, 4096), theirs);
        Assert.False((await peer.Broken).IsOk);
        Assert.Equal(-1, secret.Memory.Span.IndexOfAnyExcept((byte)42));
        Assert.Equal(-1, own.Memory.Span.IndexOfAnyExcept((byte)1));
    }

    [Theory]
    [InlineData("short")]
    [InlineData("kind")]
    [InlineData("flags")]
    [InlineData("answer")]
    [InlineData("length")]
    [InlineData("payload")]
    [InlineData("slices")]
    [InlineData("twice")]
    public async Task A_client_that_breaks_the_protocol_is_disconnected(string what)
    {
        await using var peer = await RawPeer.ConnectAsync(Client, Calling, Listener.Endpoint.Port);
        var message = new RdmaMessage { Kind = RdmaMessageKind.Request, Method = Methods.Hold, CallId = 1, TimeoutMilliseconds = 60_000 };
        if (what == "answer") message.Kind = RdmaMessageKind.Response;
        if (what == "slices") message.ReceiveCapacity = 100;
        var bytes = new byte[message.Length];
        message.Write(bytes);
        if (what == "short") bytes = bytes[..20];
        if (what == "kind") bytes[0] = 9;
        if (what == "flags") bytes[1] = 0x80;
        if (what == "length") bytes[4] = 77;
        if (what == "payload") bytes[27] = 0x7f;
        await peer.SendAsync(bytes);
        if (what == "twice")
        {
            while (Handler.Held.IsEmpty) await Task.Yield();
            await peer.SendAsync(bytes);
        }

        Assert.False((await peer.Broken).IsOk);
        while (Listener.Connections > 0) await Task.Yield();
        while (Handler.Held.TryDequeue(out var gate)) gate.SetResult();
        while (Listener.InFlight > 0) await Task.Yield();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [InlineData(4096)]
    public async Task Who_does_not_introduce_itself_is_disconnected(int bytes)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(TestAddress.Host, Listener.Endpoint.Port);
        var stream = socket.GetStream();
        await stream.WriteAsync(new byte[bytes]);
        if (bytes < RdmaHello.Size) socket.Client.Shutdown(SocketShutdown.Send);
        try
        {
            Assert.Equal(0, await stream.ReadAsync(new byte[1]));
        }
        catch (IOException)
        {
            // Reset, because of what it had not read.
        }

        await using var connection = await ConnectAsync();
        using var memory = Pool.TryRent(4096)!;
        Assert.Equal(StatusCode.Ok, await EchoAsync(connection, memory.Memory));
    }

    [Fact]
    public async Task Steady_calls_allocate_nothing()
    {
        await using var connection = await ConnectAsync();
        using var memory = Pool.TryRent(64 << 10)!;
        await LoopAsync(connection, memory.Memory, 300);
        var before = await AllocatedAsync();
        await LoopAsync(connection, memory.Memory, 1000);
        var each = (await AllocatedAsync() - before) / 1000;
        Assert.True(each < 8, $"{each} bytes a call");
    }

    /// <summary>By the two threads that move data.</summary>
    private async Task<long> AllocatedAsync()
    {
        var sum = 0L;
        foreach (var reactor in new[] { Client, Server })
            sum += await reactor.InvokeAsync(() => new ValueTask<long>(GC.GetAllocatedBytesForCurrentThread()));
        return sum;
    }

    /// <summary>On the client's reactor, as the data path is.</summary>
    private Task LoopAsync(IConnection connection, IoMemory memory, int calls) => Client.InvokeAsync(async () =>
    {
        for (var i = 0; i < calls; i++)
        {
            using var result = await connection.CallAsync(
                new Call { Method = Methods.Echo, SendPayload = memory, ReceivePayload = memory });
            Assert.True(result.IsOk);
        }
    });
}
