using System.Diagnostics;
using ThreeFs.Transport;

namespace ThreeFs.Storage.Tests.Server;

[CollectionDefinition("alone", DisableParallelization = true)]
public sealed class AloneCollection;

/// <summary>
/// In steady state storage servers allocate nothing on the managed heap for a read or a write, over TCP and through a
/// whole chain. Counts the whole process, so nothing runs beside it.
/// </summary>
/// <remarks>
/// All work for a request happens on reactors. The targets' are counted to the byte: maintenance and folding run there
/// too and allocate nothing either. The process is counted as well, for what happens elsewhere, as on a connection's
/// reactor that is not its target's; but there the test host and Kestrel work by the clock, with a few KB a second.
/// <para>Pools grow until they hold what a load needs, and code is compiled anew in some attempts: what each request
/// allocates shows in all of them, so the least counts.</para>
/// </remarks>
[Collection("alone")]
public sealed class AllocationTests
{
    private const int Attempts = 12;

    /// <summary>More small updates than fold together: the engines' pools hold all that wait for it.</summary>
    private const int WarmUpWrites = 24_000;

    /// <summary>A pool's few objects at a new peak. One object in each of the fewest requests would be twice as much.</summary>
    private const int ReactorBytes = 4 * 1024;

    /// <summary>The smallest object has 24 bytes: less than every second request allocates one.</summary>
    private const int ProcessBytesOfRequest = 12;

    private const int ProcessBytesOfSecond = 64 * 1024;

    [Theory]
    [InlineData(1, 1, 16)]
    [InlineData(1, 2, 16)]
    [InlineData(3, 1, 1)]
    [InlineData(3, 1, 16)]
    public async Task Reads_and_writes_allocate_nothing(int replicas, int reactors, int width)
    {
        await using var chain = await ServedChain.StartAsync(replicas, reactors);
        using var load = new ChainLoad(chain);
        load.Fill();
        load.Write(ChainLoad.MaxWidth, 4096, WarmUpWrites);
        await CheckAsync(chain, "reads", 20_000, n => load.Read(width, 4096, n));
        await CheckAsync(chain, "batches of reads", 4_000, n => load.ReadBatch(width, 4, 4096, n));
        await CheckAsync(chain, "small writes", 4_000, n => load.Write(width, 4096, n));
        await CheckAsync(chain, "writes into new blocks", 320, n => load.Write(width, 64 * 1024, n));
        if (width > 1) await CheckAsync(chain, "reads beside writes", 4_000, n => load.ReadBesideWrite(width, 4096, n));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Reads_over_shared_memory_and_of_places_allocate_nothing(int reactors)
    {
        await using var chain = await ServedChain.StartAsync(1, reactors, TransportChoice.Shm);
        using var load = new ChainLoad(chain);
        load.Fill();
        var counters = chain.Replicas.Single().Store.Counters;
        var read = counters.Reads;
        await CheckAsync(chain, "places", 4_000, n => load.Locate(ChainLoad.MaxWidth, 64 * 1024, n));
        Assert.Equal(read, counters.Reads);
        await CheckAsync(chain, "reads", 20_000, n => load.Read(ChainLoad.MaxWidth, 4096, n));
        await CheckAsync(chain, "large reads", 2_000, n => load.Read(ChainLoad.MaxWidth, 256 * 1024, n));
    }

    private static async Task CheckAsync(ServedChain chain, string what, int requests, Action<int> run)
    {
        var (reactors, process) = (long.MaxValue, double.MaxValue);
        for (var i = 0; i < Attempts && (reactors >= ReactorBytes || process >= ProcessBytesOfRequest); i++)
        {
            var started = Stopwatch.GetTimestamp();
            var reactorsBefore = await chain.ReactorAllocationsAsync();
            var processBefore = GC.GetTotalAllocatedBytes(precise: true);
            run(requests);
            var inProcess = GC.GetTotalAllocatedBytes(precise: true) - processBefore;
            var byClock = Stopwatch.GetElapsedTime(started).TotalSeconds * ProcessBytesOfSecond;
            reactors = Math.Min(reactors, await chain.ReactorAllocationsAsync() - reactorsBefore);
            process = Math.Min(process, (inProcess - byClock) / requests);
        }

        Assert.True(reactors < ReactorBytes, $"{reactors} bytes allocated on the targets' reactors by {requests} {what}");
        Assert.True(
            process < ProcessBytesOfRequest, $"{process} bytes allocated by the process in each of {requests} {what}");
    }
}
