using System.Runtime.CompilerServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Base.Tasks;
using ThreeFs.Io.SharedMemory;
using ThreeFs.Transport;
using ThreeFs.Transport.SharedMemory;

namespace ThreeFs.Io.Tests.Transport;

/// <summary>The contract over shared memory, with payloads that are copied into it.</summary>
public class SharedMemoryTests : TransportContract
{
    private static int _lastPort;

    private readonly Reactor _client = Reactor.Start("client").Value;
    private readonly Reactor _server = Reactor.Start("server").Value;
    private readonly SharedArena _arena = SharedArena.Create("test", 2L << 30).Value;
    private readonly SharedMemoryTransport _transport;
    private readonly SharedMemoryTransport _serving;

    public SharedMemoryTests()
    {
        var options = new TransportOptions { MaxInFlight = MaxInFlight };
        _transport = SharedMemoryTransport.Create([_client, _server], options, _arena).Value;
        _serving = SharedMemoryTransport.Create([_server], options, _arena).Value;
        ListenOn = NewEndpoint();
        Nobody = NewEndpoint();
    }

    private protected override ITransport Transport => _transport;

    private protected override Endpoint ListenOn { get; }

    private protected override Endpoint Nobody { get; }

    private protected SharedArena Arena => _arena;

    private protected override Task PassAsync(TimeSpan time) => Task.CompletedTask;

    /// <summary>Names are of the network namespace: the process makes them its own.</summary>
    private static Endpoint NewEndpoint() =>
        new(SharedMemoryTransport.SharedScheme, $"test-{Environment.ProcessId}", Interlocked.Increment(ref _lastPort));

    private protected override async ValueTask CleanUpAsync()
    {
        await _client.DisposeAsync();
        await _server.DisposeAsync();
        Assert.Equal(0, _transport.OutstandingCopies);
        Assert.Equal(0, _serving.OutstandingCopies);
        _transport.Dispose();
        _serving.Dispose();
        _arena.Dispose();
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
        var endpoint = NewEndpoint();
        await using var one = _serving.Listen(endpoint, Handler).Value;
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

    [Fact]
    public async Task Many_connections_and_no_call_is_lost()
    {
        var connections = new List<IConnection>();
        for (var i = 0; i < 300; i++) connections.Add(await ConnectAsync());
        for (var round = 0; round < 3; round++)
        {
            var calls = connections.Select(c => CallAsync(c, Methods.Echo, [1, 2, 3])).ToList();
            foreach (var call in calls) Assert.Equal([1, 2, 3], (await call).Header);
        }

        foreach (var connection in connections) await connection.DisposeAsync();
        await WaitUntilAsync(() => Listener.Connections == 0);
    }

    [Fact]
    public async Task Frames_that_find_no_room_wait_for_it()
    {
        // Each header is half a ring: most of them wait until others are taken.
        await using var connection = await ConnectAsync();
        var header = new byte[60_000];
        new SeededRandom(9).NextBytes(header);
        for (var round = 0; round < 20; round++)
        {
            var calls = Enumerable.Range(0, MaxInFlight).Select(i => CallAsync(connection, i % 2 == 0 ? Methods.Echo : Methods.EchoElsewhere, header)).ToList();
            foreach (var call in calls) Assert.Equal(header, (await call).Header);
        }
    }

    [Fact]
    public async Task A_copy_is_kept_until_the_server_has_it()
    {
        await using var connection = await ConnectAsync();
        using var sent = new BufferPool(1 << 20).TryRent(8192)!;
        var held = CallAsync(connection, Methods.Hold, [1], sent.Memory, timeout: TimeSpan.FromMilliseconds(50));
        var gate = await NextHeldAsync();
        Assert.Equal(StatusCode.DeadlineExceeded, (await held).Status.Code);
        await WaitUntilAsync(() => _transport.OutstandingCopies == 0);
        gate.SetResult();
    }

    [Fact]
    public async Task Files_of_the_server_are_read_when_they_are_the_same_here()
    {
        var directory = Directory.CreateTempSubdirectory("threefs-local-");
        var path = Path.Combine(directory.FullName, "data");
        File.WriteAllBytes(path, [.. Enumerable.Range(0, 12288).Select(i => (byte)(i / 4096 + 1))]);
        using var received = Pool.TryRent(8192)!;
        await _client.InvokeAsync(async () =>
        {
            var connection = (await Transport.ConnectAsync(Listener.Endpoint)).Value;
            using (var file = ThreeFs.Io.Files.DirectFile.Open(_client, path, ThreeFs.Io.Files.DirectFileMode.OpenRead).Value)
            {
                var (device, inode) = file.GetIdentity().Value;
                Assert.Equal(8192, (await Read(connection, device, inode)).Value);
                Assert.Equal([2, 3], new[] { received.Memory.Span[0], received.Memory.Span[8191] });
                Assert.NotNull(connection.LocalFiles);
                Assert.Equal(StatusCode.NotSupported, (await Read(connection, device, inode + 1)).Code);
                Assert.Null(connection.LocalFiles);
            }

            await connection.DisposeAsync();
        });
        directory.Delete(recursive: true);

        ValueTask<Result<int>> Read(IConnection connection, ulong device, ulong inode) =>
            connection.LocalFiles!.ReadAsync(
                new LocalFile(System.Text.Encoding.UTF8.GetBytes(path), device, inode), 4096, received.Memory.Slice(0, 8192));
    }

    [Fact]
    public async Task A_file_that_does_not_answer_is_left_to_the_server_until_it_does()
    {
        // A pipe answers when somebody writes to it.
        var directory = Directory.CreateTempSubdirectory("threefs-stuck-");
        var path = Path.Combine(directory.FullName, "pipe");
        using (var made = System.Diagnostics.Process.Start("mkfifo", path)) await made.WaitForExitAsync();
        using var received = Pool.TryRent(4096)!;
        using var writer = new FileStream(path, FileMode.Open, FileAccess.ReadWrite);
        await _client.InvokeAsync(async () =>
        {
            var connection = (await Transport.ConnectAsync(Listener.Endpoint)).Value;
            (ulong Device, ulong Inode) identity;
            using (var file = ThreeFs.Io.Files.DirectFile.Open(_client, path, ThreeFs.Io.Files.DirectFileMode.OpenRead).Value)
                identity = file.GetIdentity().Value;
            var reading = connection.LocalFiles!.ReadAsync(
                new LocalFile(System.Text.Encoding.UTF8.GetBytes(path), identity.Device, identity.Inode), 0, received.Memory);
            while (connection.LocalFiles is not null) await Task.Delay(TimeSpan.FromMilliseconds(20), _client.Time);
            await _client.SwitchTo();
            Assert.False(reading.IsCompleted);
            writer.Write(new byte[4096]);
            writer.Flush();
            Assert.Equal(4096, (await reading).Value);
            while (connection.LocalFiles is null) await Task.Delay(TimeSpan.FromMilliseconds(20), _client.Time);
            await connection.DisposeAsync();
        });
        directory.Delete(recursive: true);
    }

    [Fact]
    public async Task A_full_arena_refuses_and_recovers()
    {
        await using var connection = await ConnectAsync();
        using var pool = new BufferPool(1L << 30);
        using var sent = pool.TryRent(64 << 20)!;
        var sending = Enumerable.Range(0, 8).Select(_ => CallAsync(connection, Methods.Refuse, [1], sent.Memory)).ToList();
        var codes = new List<StatusCode>();
        foreach (var call in sending) codes.Add((await call).Status.Code);
        Assert.All(codes, code => Assert.True(code is StatusCode.NoSpace or StatusCode.Overloaded, code.ToString()));
        Assert.Contains(StatusCode.NoSpace, codes);
        await WaitUntilAsync(() => _transport.OutstandingCopies == 0);
        Assert.Equal(StatusCode.NoSpace, (await CallAsync(connection, Methods.Refuse, [1], sent.Memory)).Status.Code);
    }
}

/// <summary>The contract over shared memory, with payloads that lie in it.</summary>
public sealed class SharedMemoryInPlaceTests : SharedMemoryTests
{
    private protected override BufferPool MakePool() => new(1L << 30, Arena);
}
