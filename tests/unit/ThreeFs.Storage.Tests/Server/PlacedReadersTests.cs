using System.Runtime.InteropServices;
using ThreeFs.Base;
using ThreeFs.Base.Memory;
using ThreeFs.Client.Connections;
using ThreeFs.Client.Storage;
using ThreeFs.Contracts.Routing;
using ThreeFs.Contracts.Storage;
using ThreeFs.Io;
using ThreeFs.Storage.Targets;
using ThreeFs.Transport;

namespace ThreeFs.Storage.Tests.Server;

/// <summary>
/// Clients that read from places they keep, beside one that writes, on real servers and a real disk: nobody ever reads a value older than one
/// whose write was acknowledged before the read began.
/// </summary>
public sealed class PlacedReadersTests
{
    private const int Unit = 4096;
    private const int Units = 64;
    private const int ChunkSize = 1 << 20;

    private static readonly ChunkId _chunk = new(new InodeId(5), 0);

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public async Task No_read_is_older_than_an_acknowledged_write(int replicas)
    {
        await using var chain = await ServedChain.StartAsync(replicas, 1, TransportChoice.Shm);
        var acknowledged = new long[Units];
        await using var writer = new OneClient(chain, "writer");
        await using var reader = new OneClient(chain, "reader");
        for (var unit = 0; unit < Units; unit++) await writer.WriteAsync(unit, 1);
        Array.Fill(acknowledged, 1);
        var isOver = false;
        var reading = reader.Reactor.InvokeAsync(async () =>
        {
            for (var batch = 0; !Volatile.Read(ref isOver); batch++) await reader.CheckAsync(acknowledged, batch);
        });
        for (var value = 2; value < 22; value++)
        {
            // Each write meets a reader that reads from a place.
            await FoldAsync(chain.Replicas);
            var (before, began) = (reader.Client.Counters.LocalReads, TimeProvider.System.GetTimestamp());
            while (reader.Client.Counters.LocalReads == before && !reading.IsCompleted)
            {
                Assert.True(TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(30), "no read comes from a place");
                await reader.Reactor.InvokeAsync(() => ValueTask.FromResult(0));
            }

            var unit = value * 7 % Units;
            await writer.WriteAsync(unit, value);
            Volatile.Write(ref acknowledged[unit], value);
        }

        Volatile.Write(ref isOver, true);
        await reading;
    }

    private static async Task FoldAsync(IEnumerable<Replica> replicas)
    {
        foreach (var replica in replicas)
        {
            var folded = new TaskCompletionSource<StatusCode>(TaskCreationOptions.RunContinuationsAsynchronously);
            replica.Services.Executor.Post(async _ => folded.SetResult(await replica.Store.FoldAsync()), null);
            Assert.Equal(StatusCode.Ok, await folded.Task);
        }
    }

    /// <summary>A client as a process has it: its own reactor, connections and memory.</summary>
    private sealed class OneClient : IAsyncDisposable, IRoutingSource
    {
        private readonly HostTransport _transport;
        private readonly ConnectionPool _connections;
        private readonly BufferPool _buffers = new(16 << 20);
        private readonly BufferLease _memory;
        private readonly ReadPiece[] _pieces = new ReadPiece[Units];
        private readonly long[] _floor = new long[Units];

        public OneClient(ServedChain chain, string name)
        {
            Current = chain.Routing;
            Reactor = Reactor.Start(name).Value;
            _transport = HostTransport.Create([Reactor], TransportChoice.Shm).Value;
            _connections = new ConnectionPool(_transport, new ConnectionPoolOptions(), TimeProvider.System, new SeededRandom(1));
            _memory = _buffers.TryRent(Units * Unit)!;
            Client = new StorageClient(
                _connections, this, new StorageClientOptions(), new ClientId(Guid.NewGuid()), TimeProvider.System, new SeededRandom(2));
        }

        public Reactor Reactor { get; }

        public StorageClient Client { get; }

        public RoutingInfo Current { get; }

        public void RequestRefresh()
        {
        }

        /// <summary>Fills a unit with a value.</summary>
        public Task WriteAsync(int unit, long value) => Reactor.InvokeAsync(async () =>
        {
            var source = _memory.Memory.Slice(0, Unit);
            MemoryMarshal.Cast<byte, long>(source.Span).Fill(value);
            var written = await Client.WriteAsync(ServedChain.Chain.Id, _chunk, (uint)(unit * Unit), source, ChunkSize);
            Assert.Equal(StatusCode.Ok, written.Code);
        });

        /// <summary>Reads every unit, in one batch or one by one.</summary>
        public async ValueTask CheckAsync(long[] acknowledged, int batch)
        {
            for (var unit = 0; unit < Units; unit++)
            {
                _floor[unit] = Volatile.Read(ref acknowledged[unit]);
                var destination = _memory.Memory.Slice(unit * Unit, Unit);
                _pieces[unit] = new ReadPiece(ServedChain.Chain.Id, _chunk, (uint)(unit * Unit), new IoSlices(destination));
            }

            if (batch % 2 == 0)
            {
                await Client.ReadBatchAsync(_pieces, Units);
            }
            else
            {
                var lone = batch % Units;
                _pieces[lone].Result = await Client.ReadAsync(
                    _pieces[lone].Chain, _chunk, _pieces[lone].Offset, _pieces[lone].Destination);
                Check(lone);
                return;
            }

            for (var unit = 0; unit < Units; unit++) Check(unit);
        }

        private void Check(int unit)
        {
            Assert.Equal((StatusCode.Ok, (uint)Unit), (_pieces[unit].Result.Code, _pieces[unit].Result.Length));
            var values = MemoryMarshal.Cast<byte, long>(_memory.Memory.Slice(unit * Unit, Unit).Span);
            Assert.True(values[0] >= _floor[unit], $"unit {unit} shows {values[0]} after {_floor[unit]} was acknowledged");
            Assert.Equal(-1, values.IndexOfAnyExcept(values[0]));
        }

        public async ValueTask DisposeAsync()
        {
            await _connections.DisposeAsync();
            await _transport.DisposeAsync();
            await Reactor.DisposeAsync();
            _memory.Dispose();
            _buffers.Dispose();
        }
    }
}
