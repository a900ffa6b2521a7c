using ThreeFs.Storage.ChunkEngine;

namespace ThreeFs.Storage.Tests.ChunkEngine;

/// <summary>Reads and overwrites of existing chunks allocate nothing on the managed heap, on files and RocksDB, at any depth.</summary>
public sealed class AllocationTests
{
    // What a whole run may allocate: the lanes themselves and pools that grow to a new maximum, not a byte an operation.
    private const long Slack = 64 * 1024;

    [Theory]
    [InlineData(4096, 1)]
    [InlineData(4096, 8)]
    [InlineData(1 << 20, 1)]
    [InlineData(1 << 20, 4)]
    public void Reads_allocate_nothing(int length, int width)
    {
        using var target = new RealTarget();
        var load = new Load(target.Store, width, chunksOfLane: 4, chunkBytes: 1 << 20);
        Assert.True(target.Run(load.FillAsync));
        var operations = length == 4096 ? 20_000 : 1000;
        var allocated = target.Run(() => load.RunAsync(length, isWrite: false, operations / 4, operations));
        Assert.True(allocated < Slack, $"{allocated} bytes for {operations} reads");
    }

    [Theory]
    [InlineData(4096, 1)]
    [InlineData(4096, 8)]
    [InlineData(1 << 20, 1)]
    [InlineData(1 << 20, 4)]
    public void Overwrites_allocate_nothing(int length, int width)
    {
        // Folding is the background's work, paid for once in thousands of updates; it is kept out of this measurement.
        using var target = new RealTarget(new ChunkStoreOptions
        {
            FoldAtUpdates = int.MaxValue,
            FoldAtOverlayBytes = long.MaxValue,
            FoldAtRetiredBytes = long.MaxValue,
            MaxOverlayBytes = long.MaxValue,
        });
        var load = new Load(target.Store, width, chunksOfLane: 4, chunkBytes: 1 << 20);
        Assert.True(target.Run(load.FillAsync));
        var operations = length == 4096 ? 8000 : 160;

        // What the first run took and folding gave back is there for the second one.
        target.Run(() => load.RunAsync(length, isWrite: true, 0, operations));
        for (var i = 0; i < 3; i++) target.Run(() => target.Store.FoldAsync());
        var allocated = target.Run(() => load.RunAsync(length, isWrite: true, 0, operations));
        Assert.True(allocated < Slack, $"{allocated} bytes for {operations} overwrites");
    }
}
