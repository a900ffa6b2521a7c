using ThreeFs.Base;
using ThreeFs.Storage.Targets;

namespace ThreeFs.Storage.Tests.Replicas;

public sealed class LowSpaceTests
{
    /// <summary>Whichever replica has the small disk, and however fast it fills.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void New_chunks_are_refused_before_existing_ones_cannot_be_overwritten_any_more(int small)
    {
        const int length = 1 << 16;
        var pair = new ReplicaPair(new StorageLimits { NewChunkReserve = 0.25 });
        pair.Disks[small].Device.CapacityBytes = 256 << 20;
        var count = 0ul;
        while (pair.Write(count, ReplicaPair.Bytes(length, count)) == StatusCode.Ok) count++;

        // A quarter of 256 MiB, and the 64 MiB that blocks never take, are left.
        Assert.InRange(count, 1900u, 2200u);
        Assert.Equal(StatusCode.NoSpace, pair.Write(count, ReplicaPair.Bytes(length, count)));
        for (var i = 0ul; i < count; i += 100) Assert.Equal(StatusCode.Ok, pair.Write(i, ReplicaPair.Bytes(length, i + 1)));
        for (var i = 0ul; i < count; i += 100) Assert.Equal(ReplicaPair.Bytes(length, i + 1), pair.Read(pair.Tail, i, length).Bytes);
        Assert.All(new[] { pair.Head, pair.Tail }, r => Assert.False(r.Store.Chunk(ReplicaPair.Id(count)).HasPending));
    }
}
